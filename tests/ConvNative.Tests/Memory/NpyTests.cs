using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using ConvNative.Tests.Support;

namespace ConvNative.Tests.Memory;

internal sealed class NpyTests
{
    private const string Plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2, 3), }";
    private static readonly float[] Values = [1, -2.5f, float.Epsilon, float.NaN, float.PositiveInfinity, 0.1f];

    private string _folder = string.Empty;

    private string File1 => Path.Combine(_folder, "array.npy");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("convnative-npy-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Reads_every_version([Values(1, 2, 3)] int version)
    {
        Write(Plain, MemoryMarshal.AsBytes<float>(Values), version);
        using Tensor tensor = Tensor.LoadNpy(File1);
        Assert.That(tensor.Shape, Is.EqualTo(new TensorShape(1, 1, 2, 3)));
        Assert.That(Bits(tensor.Span), Is.EqualTo(Bits(Values)));
    }

    [Test]
    public void Rounds_float64()
    {
        double[] values = [1, -2.5, 1e300, 1e-300, 0.1, Math.PI];
        Write(Plain.Replace("<f4", "<f8", StringComparison.Ordinal), MemoryMarshal.AsBytes<double>(values));
        using Tensor tensor = Tensor.LoadNpy(File1);
        Assert.That(tensor.Span.ToArray(), Is.EqualTo(values.Select(value => (float)value)));
    }

    [TestCase("()", 1, 1, 1, 1)]
    [TestCase("(6,)", 1, 1, 1, 6)]
    [TestCase("(2, 3)", 1, 1, 2, 3)]
    [TestCase("(3,1,2)", 1, 3, 1, 2)]
    [TestCase("(6, 1, 1, 1)", 6, 1, 1, 1)]
    public void Adds_leading_sizes(string shape, int n, int c, int h, int w)
    {
        var expected = new TensorShape(n, c, h, w);
        Write(Plain.Replace("(1, 1, 2, 3)", shape, StringComparison.Ordinal), new byte[expected.Length * sizeof(float)]);
        using Tensor tensor = Tensor.LoadNpy(File1);
        Assert.That(tensor.Shape, Is.EqualTo(expected));
    }

    [TestCase("'fortran_order': False", "'fortran_order': True", "Fortran order")]
    [TestCase("<f4", ">f4", "'>f4'")]
    [TestCase("<f4", "<f2", "'<f2'")]
    [TestCase("<f4", "<i4", "'<i4'")]
    [TestCase("<f4", "<c8", "'<c8'")]
    [TestCase("<f4", "|O", "'|O'")]
    [TestCase("(1, 1, 2, 3)", "(1, 1, 1, 2, 3)", "5 dimensions")]
    [TestCase("(1, 1, 2, 3)", "(1, 0, 2, 3)", "'0'")]
    [TestCase("(1, 1, 2, 3)", "(1, -1, 2, 3)", "'-1'")]
    [TestCase("(1, 1, 2, 3)", "(99999999999,)", "99999999999")]
    [TestCase("(1, 1, 2, 3)", "(1, 1, 2, 4)", "needs 32")]
    [TestCase("(1, 1, 2, 3)", "(1, 1, 2, 2)", "needs 16")]
    [TestCase("(1, 1, 2, 3)", "(2147483647, 2147483647, 2147483647, 2147483647)", "needs")]
    [TestCase("(1, 1, 2, 3)", "(1, 1, 2, 3", "'shape'")]
    [TestCase("'descr'", "'dsecr'", "'descr'")]
    [TestCase("'fortran_order': False", "'fortran_order': Perhaps", "'fortran_order'")]
    public void Refuses_with_the_reason(string part, string replacement, string reason)
    {
        Write(Plain.Replace(part, replacement, StringComparison.Ordinal), MemoryMarshal.AsBytes<float>(Values));
        Assert.That(
            () => Tensor.LoadNpy(File1), Throws.TypeOf<InvalidDataException>().With.Message.Contains(reason).And.Message.Contains("array.npy"));
    }

    [Test]
    public void Refuses_a_structured_type()
    {
        Write("{'descr': [('a', '<f4'), ('b', '<f4')], 'fortran_order': False, 'shape': (3,), }", MemoryMarshal.AsBytes<float>(Values));
        Assert.That(() => Tensor.LoadNpy(File1), Throws.TypeOf<InvalidDataException>());
    }

    [Test]
    public void Refuses_another_version_and_a_header_of_gigabytes()
    {
        Write(Plain, MemoryMarshal.AsBytes<float>(Values), version: 4);
        Assert.That(() => Tensor.LoadNpy(File1), Throws.TypeOf<InvalidDataException>().With.Message.Contains("version is 4"));
        byte[] bytes = FileBytes(Plain, MemoryMarshal.AsBytes<float>(Values), 2);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 0xffff_fff0);
        File.WriteAllBytes(File1, bytes);
        Assert.That(() => Tensor.LoadNpy(File1), Throws.TypeOf<InvalidDataException>().With.Message.Contains("4294967280"));
    }

    [Test]
    public void Refuses_a_file_that_ends_too_soon([Values(1, 2, 3)] int version)
    {
        byte[] bytes = FileBytes(Plain, MemoryMarshal.AsBytes<float>(Values), version);
        for (int length = 0; length < bytes.Length; length++)
        {
            File.WriteAllBytes(File1, bytes[..length]);
            Assert.That(() => Tensor.LoadNpy(File1), Throws.TypeOf<InvalidDataException>(), $"{length} bytes");
        }
    }

    [Test]
    public void Broken_files_never_do_harm()
    {
        var random = new Random(20);
        byte[] bytes = FileBytes(Plain, MemoryMarshal.AsBytes<float>(Values), 1);
        int refused = 0;
        long before = ConvNativeInfo.LiveBytes;
        for (int i = 0; i < 500; i++)
        {
            byte[] broken = [.. bytes];
            for (int flips = random.Next(1, 6); flips > 0; flips--) broken[random.Next(broken.Length - 24)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(File1, broken);
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using Tensor tensor = Tensor.LoadNpy(File1);
                Assert.That(tensor.Length, Is.LessThanOrEqualTo(Values.Length));
            }
            catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
            {
                refused++;
            }

            Assert.That(GC.GetAllocatedBytesForCurrentThread() - allocated, Is.LessThan(4 << 20));
        }

        Assert.That(refused, Is.GreaterThan(250));
        Assert.That(ConvNativeInfo.LiveBytes, Is.EqualTo(before));
    }

    [Test]
    public void What_is_written_is_read_back_and_is_what_numpy_writes()
    {
        using Tensor tensor = Tensor.From(Values, new TensorShape(1, 3, 1, 2));
        tensor.SaveNpy(File1);
        using Tensor back = Tensor.LoadNpy(File1);
        Assert.That(back.Shape, Is.EqualTo(tensor.Shape));
        Assert.That(Bits(back.Span), Is.EqualTo(Bits(Values)));

        // numpy.lib.format: magic, 1.0, the header padded with spaces to a newline so that the data begins at a multiple of 64
        byte[] expected = FileBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 1, 2), }", MemoryMarshal.AsBytes<float>(Values), 1);
        Assert.That(File.ReadAllBytes(File1), Is.EqualTo(expected));
        Assert.That((expected.Length - (4 * Values.Length)) % 64, Is.Zero);
    }

    [Test]
    public void Large_arrays_pass_through_whole()
    {
        using Tensor tensor = Tensors.Random(new TensorShape(3, 7, 211, 307), 4);
        tensor.SaveNpy(File1);
        using Tensor back = Tensor.LoadNpy(File1);
        Assert.That(back.Span.SequenceEqual(tensor.Span));
    }

    [Test]
    public void Reads_what_numpy_wrote()
    {
        string? folder = Repository.Beside("conformance");
        if (folder is null) Assert.Ignore("The conformance cases are not beside the repository.");
        string[] files = Directory.GetFiles(folder!, "*.npy", SearchOption.AllDirectories);
        Assert.That(files, Is.Not.Empty);
        foreach (string file in files)
        {
            byte[] bytes = File.ReadAllBytes(file);
            int data = 10 + BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8));
            if (Encoding.ASCII.GetString(bytes, 0, data).Count(c => c == ',') > 6) continue;   // five dimensions: an ONNX case in 3-D
            using Tensor tensor = Tensor.LoadNpy(file);
            Assert.That(MemoryMarshal.AsBytes(tensor.Span).SequenceEqual(bytes.AsSpan(data)), file);
        }
    }

    [Test]
    public void A_failed_write_leaves_the_folder_as_it_was()
    {
        using Tensor tensor = Tensor.From(Values, new TensorShape(1, 3, 1, 2));
        // A name that the file system takes, but not with anything added to it: the write beside it fails.
        string file = Path.Combine(_folder, new string('a', 250));
        File.WriteAllText(file, "old");
        Assert.That(() => tensor.SaveNpy(file), Throws.InstanceOf<IOException>());
        Assert.That(File.ReadAllText(file), Is.EqualTo("old"));

        string target = Directory.CreateDirectory(File1).FullName;   // the move into place fails
        Assert.That(() => tensor.SaveNpy(target), Throws.InstanceOf<IOException>().Or.InstanceOf<UnauthorizedAccessException>());
        Assert.That(Directory.EnumerateFileSystemEntries(_folder).Count(), Is.EqualTo(2), "no temporary file stays");
    }

    [Test]
    public void Paths_are_checked()
    {
        using Tensor tensor = new(1, 1, 1, 1);
        Assert.That(() => Tensor.LoadNpy(null!), Throws.ArgumentNullException);
        Assert.That(() => Tensor.LoadNpy(string.Empty), Throws.ArgumentException);
        Assert.That(() => tensor.SaveNpy(null!), Throws.ArgumentNullException);
        Assert.That(() => Tensor.LoadNpy(Path.Combine(_folder, "absent.npy")), Throws.TypeOf<FileNotFoundException>());
        Assert.That(() => tensor.SaveNpy(Path.Combine(_folder, "absent", "a.npy")), Throws.InstanceOf<IOException>());
    }

    private static int[] Bits(ReadOnlySpan<float> values) => MemoryMarshal.Cast<float, int>(values).ToArray();

    private static byte[] FileBytes(string dict, ReadOnlySpan<byte> data, int version)
    {
        int prefix = version == 1 ? 10 : 12;
        int length = (prefix + dict.Length + 1 + 63) / 64 * 64;
        byte[] bytes = new byte[length + data.Length];
        new byte[] { 0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', (byte)version, 0 }.CopyTo(bytes, 0);
        if (version == 1) BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)(length - prefix));
        else BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), length - prefix);
        Encoding.ASCII.GetBytes(dict.PadRight(length - prefix - 1) + "\n").CopyTo(bytes, prefix);
        data.CopyTo(bytes.AsSpan(length));
        return bytes;
    }

    private void Write(string dict, ReadOnlySpan<byte> data, int version = 1) => File.WriteAllBytes(File1, FileBytes(dict, data, version));
}
