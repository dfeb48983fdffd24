using ConvNative.Compare.Cases;
using ConvNative.Compare.Measurement;
using ConvNative.Compare.Peers;
using Spectre.Console;

namespace ConvNative.Compare.Tests;

internal sealed class CaseTests
{
    [Test]
    public void A_shape_file_gives_names_counts_and_sizes()
    {
        ShapeFile.Content content = ShapeFile.Parse("nets.txt",
        [
            "# a network",
            "",
            "mb50ic64ih56oc256oh56kh1ph0n\"resnet_50:res2a_branch1*4\"",
            "g32mb1ic32ih112oc32oh112kh3ph1n\"own/dw\"   # another name",
            "mb2_ic3oc16_ih5oh5kh3ph1",
        ]);
        Assert.That(content.Broken, Is.Empty);
        Assert.That(content.Layers.Select(layer => (layer.Network, layer.Name, layer.Count)), Is.EqualTo(new[]
        {
            ("resnet_50", "res2a_branch1", 4), ("nets", "own/dw", 1), ("nets", "mb2ic3ih5iw5oc16oh5ow5kh3kw3sh1sw1ph1pw1dh0dw0", 1),
        }));
        Assert.That(content.Layers[0].Problem.Input, Is.EqualTo(new TensorShape(50, 64, 56, 56)));
    }

    [Test]
    public void The_layers_of_other_kinds_have_no_broken_line()
    {
        ShapeFile.Content content = ShapeFile.Read(Path.Combine(AppContext.BaseDirectory, "other_layers.txt"));
        Assert.That(content.Broken, Is.Empty);
        Assert.That(content.Layers.Select(layer => layer.ToString()), Is.Unique);
        Assert.That(content.Layers.Select(layer => layer.Network), Does.Contain("depthwise").And.Contain("dilated").And.Contain("dense"));
    }

    [Test]
    public void A_folder_in_the_place_of_a_shape_file_is_refused() =>
        Assert.That(() => ShapeFile.Read(AppContext.BaseDirectory), Throws.InstanceOf<UsageException>().With.Message.Contains("is a folder"));

    [Test]
    public void A_broken_line_is_named_with_its_number_and_reason()
    {
        ShapeFile.Content content = ShapeFile.Parse("some/nets.txt", ["ic3oc16ih5oh5kh3ph1", "# fine", "ic3oc16ih5oh5kh3qq1", "ic3oc16ih100oh5kh3ph1"]);
        Assert.That(content.Layers, Has.Count.EqualTo(1));
        Assert.That(content.Broken.Select(line => line.Line), Is.EqualTo(new[] { 3, 4 }));
        Assert.That(content.Broken[0].ToString(), Does.StartWith("some/nets.txt:3: ").And.Contain("qq1"));
    }

    [Test]
    public void Three_dimensional_problems_are_counted_and_left_out()
    {
        ShapeFile.Content content = ShapeFile.Parse("f", ["ic3oc16_id5od5kd3pd1_n\"3d\"", "ic3oc16_ih5oh5kh3ph1_n\"fire:id5\""]);
        Assert.That((content.Volumes, content.Layers.Count, content.Broken.Count), Is.EqualTo((1, 1, 0)));
    }

    // Convolutions and multiply-adds of one image. Counts: the papers' tables. Sums of multiply-adds: 3.8·10⁹ of ResNet-50 with the
    // strides in the 1×1 (He et al., table 1), 19.5·10⁹ of VGG-19's convolutions, 0.57·10⁹ of MobileNet (table 8).
    [TestCase("resnet_50", 53, 3.8e9)]
    [TestCase("vgg_19", 16, 19.5e9)]
    [TestCase("mobilenet_v1", 27, 0.568e9)]
    [TestCase("googlenet_v1", 57, 1.58e9)]
    [TestCase("alexnet", 5, 0.666e9)]
    public void Networks_have_the_published_number_of_layers_and_operations(string network, int layers, double multiplyAdds)
    {
        IReadOnlyList<Layer> list = Networks.Get(network);
        Assert.That(list.Sum(layer => layer.Count), Is.EqualTo(layers));
        Assert.That(list.Sum(layer => layer.Count * layer.Problem.Flops / 2.0), Is.EqualTo(multiplyAdds).Within(3).Percent);
        Assert.That(list.Select(layer => layer.Problem with { Name = null }).Distinct().Count(), Is.EqualTo(list.Count));
    }

    [TestCase("")]
    [TestCase("/no such folder/picture.svg")]
    public void A_file_that_cannot_be_written_is_refused_before_anything_runs(string path)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) });
        CompareOptions options = Options() with { Descriptors = ["mb1ic1ih5oc1oh5kh3ph1"], Picture = path };
        Assert.That(
            async () => await CompareCommand.RunAsync(options, "", [], console, CancellationToken.None),
            Throws.InstanceOf<UsageException>().With.Message.StartsWith($"--picture is '{path}': "));
    }

    [Test]
    public void More_threads_than_processors_are_refused_before_anything_runs()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) });
        int processors = Environment.ProcessorCount;
        CompareOptions options = Options() with { Descriptors = ["mb1ic1ih5oc1oh5kh3ph1"], Threads = [1, processors + 1] };
        Assert.That(
            async () => await CompareCommand.RunAsync(options, "", [], console, CancellationToken.None),
            Throws.InstanceOf<UsageException>().With.Message.EqualTo($"--threads is {processors + 1}; it must be at most {processors}, the processors that there are."));
    }

    [TestCase("foo")]
    [TestCase("onednn")]
    public void What_to_rank_against_must_be_a_peer_and_its_mode(string against)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(TextWriter.Null) });
        CompareOptions options = Options() with { Descriptors = ["mb1ic1ih5oc1oh5kh3ph1"], Against = against };
        Assert.That(
            async () => await CompareCommand.RunAsync(options, "", PeerDefinition.FindAll(PeerDefinition.DefaultPeersFolder), console, CancellationToken.None),
            Throws.InstanceOf<UsageException>().With.Message.StartsWith($"--against is '{against}'; it must be a peer and its mode"));
    }

    [Test]
    public void A_case_that_no_array_holds_is_refused() => Assert.That(
        () => CaseList.From(Options() with { Descriptors = ["mb1ic2147483647ih8oc4kh3"] }),
        Throws.InstanceOf<UsageException>().With.Message.Contains("has a tensor of 137438953408 numbers"));

    [Test]
    public void An_empty_name_of_a_shape_file_is_refused() =>
        Assert.That(() => CaseList.From(Options() with { ShapeFiles = [""] }), Throws.InstanceOf<UsageException>());

    [Test]
    public void Batches_apply_to_networks_but_not_to_cases_that_are_about_a_size()
    {
        CaseList list = CaseList.From(Options() with { Networks = ["alexnet"], Batches = [2, 3], Extras = true });
        Assert.That(list.Layers.Where(layer => layer.Network == "alexnet").Select(layer => layer.Problem.Input.N).Distinct(), Is.EqualTo(new[] { 2, 3 }));
        Assert.That(list.Layers.Where(layer => layer.Network == "growth of batch").Select(layer => layer.Problem.Input.N), Is.EqualTo(new[] { 1, 2, 4, 8, 16 }));
    }

    [TestCase("alexnett", "alexnet")]
    public void An_unknown_network_is_refused_with_the_known_ones(string name, string known) =>
        Assert.That(Assert.Throws<UsageException>(() => CaseList.From(Options() with { Networks = [name] }))!.Message, Does.Contain(name).And.Contain(known));

    [Test]
    public void The_filter_sees_network_layer_direction_and_descriptor()
    {
        Layer layer = Networks.Get("alexnet")[2];
        CompareOptions options = Options() with { Filter = new("^alexnet:conv3 BWD_W mb1ic256") };
        Assert.That(CaseList.CasesOf(layer, options).Select(one => one.Direction), Is.EqualTo(new[] { Direction.BWD_W }));
    }

    private static CompareOptions Options() => new() { Measure = new MeasureOptions(1, 0.1, 1, 1) };
}
