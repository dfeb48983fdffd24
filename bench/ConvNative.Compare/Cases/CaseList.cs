namespace ConvNative.Compare.Cases;

/// <summary>The layers that the command line asks for.</summary>
/// <param name="Layers">With their batches set, in the order asked for.</param>
/// <param name="Broken">Lines of shape files that could not be read.</param>
/// <param name="Volumes">Three-dimensional problems that were left out.</param>
internal sealed record CaseList(IReadOnlyList<Layer> Layers, IReadOnlyList<BrokenLine> Broken, int Volumes)
{
    private static readonly int[] DefaultBatches = [1, 8];

    /// <exception cref="UsageException">A network is unknown, a file cannot be read, or a descriptor is broken.</exception>
    public static CaseList From(CompareOptions options)
    {
        var layers = new List<Layer>();
        var broken = new List<BrokenLine>();
        int volumes = 0;
        bool nothingNamed = options.ShapeFiles.Count + options.Networks.Count + options.Descriptors.Count == 0 && !options.Extras;
        IEnumerable<string> networks = nothingNamed ? Networks.Names : options.Networks;
        try
        {
            foreach (string file in options.ShapeFiles)
            {
                ShapeFile.Content content = ShapeFile.Read(file);
                broken.AddRange(content.Broken);
                volumes += content.Volumes;
                layers.AddRange(WithBatches(content.Layers, options.Batches));
            }

            foreach (string network in networks)
                layers.AddRange(WithBatches(Networks.Get(network), options.Batches.Count > 0 ? options.Batches : DefaultBatches));
            layers.AddRange(WithBatches([.. options.Descriptors.Select(text => ShapeFile.ParseLayer(text, "cases"))], options.Batches));
            if (options.Extras) layers.AddRange(ExtraCases.All);
        }
        catch (Exception e) when (e is FormatException || UsageException.IsOfPath(e))
        {
            throw new UsageException(e.Message);
        }

        foreach (Layer layer in layers) CheckSize(layer);
        return new CaseList(layers, broken, volumes);
    }

    /// <summary>The cases of a layer, in the directions asked for, that the filter lets through.</summary>
    public static IReadOnlyList<CompareCase> CasesOf(Layer layer, CompareOptions options) =>
    [
        .. options.Directions
            .Select(direction => new CompareCase(layer, direction))
            .Where(one => options.Filter?.IsMatch($"{layer.Network}:{layer.Name} {one.Direction} {one.Descriptor}") ?? true),
    ];

    // Inputs and results are arrays here.
    private static void CheckSize(Layer layer)
    {
        long most = new[] { layer.Problem.Input.Length, layer.Problem.Weights.Length, layer.Problem.Output.Length }.Max();
        if (most > Array.MaxLength) throw new UsageException($"{layer.Problem} has a tensor of {most} numbers; they must be at most {Array.MaxLength}.");
    }

    private static IEnumerable<Layer> WithBatches(IReadOnlyList<Layer> layers, IReadOnlyList<int> batches) =>
        batches.Count == 0 ? layers : batches.SelectMany(batch => layers.Select(layer => layer.WithBatch(batch)));
}
