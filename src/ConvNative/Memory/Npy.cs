using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace ConvNative.Memory;

/// <summary>numpy's array file format, versions 1 to 3 (numpy.lib.format): magic, version, header length, a dict literal, raw data.</summary>
internal static unsafe partial class Npy
{
    private const int MaxHeaderLength = 1 << 20;
    private const int ChunkElements = 1 << 14;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a whole file into the memory that <paramref name="allocate"/> gives for its shape.</summary>
    public static void Load(string path, Func<TensorShape, nint> allocate)
    {
        using FileStream file = File.OpenRead(path);
        (bool isDouble, TensorShape shape) = ReadHeader(file, path);
        long bytes = CheckDataLength(file, path, shape, isDouble ? sizeof(double) : sizeof(float));
        nint target = allocate(shape);
        if (isDouble) ReadDoubles(file, (float*)target, shape.Length);
        else ReadBytes(file, (byte*)target, bytes);
    }

    /// <summary>Writes a version 1 file of C order float32, all of it or nothing.</summary>
    public static void Save(string path, float* data, TensorShape shape) => AtomicFile.Write(path, file =>
    {
        file.Write(Header(shape));
        WriteBytes(file, (byte*)data, shape.Length * sizeof(float));
    });

    private static byte[] Header(TensorShape shape)
    {
        string dict = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape.N}, {shape.C}, {shape.H}, {shape.W}), }}";
        int unpadded = Magic.Length + 4 + dict.Length + 1;
        int length = (unpadded + 63) / 64 * 64;   // the data starts at a multiple of 64
        byte[] header = new byte[length];
        Magic.CopyTo(header);
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)(length - 10));
        header.AsSpan(10).Fill((byte)' ');
        Encoding.ASCII.GetBytes(dict, header.AsSpan(10));
        header[^1] = (byte)'\n';
        return header;
    }

    private static (bool IsDouble, TensorShape Shape) ReadHeader(FileStream file, string path)
    {
        Span<byte> start = stackalloc byte[12];
        int read = file.ReadAtLeast(start[..8], 8, throwOnEndOfStream: false);
        if (read < 8 || !start[..6].SequenceEqual(Magic)) throw Broken(path, "it does not begin with numpy's magic string");
        int version = start[6];
        if (version is < 1 or > 3) throw Broken(path, $"its format version is {version}; it must be 1, 2 or 3");

        int lengthBytes = version == 1 ? 2 : 4;
        if (file.ReadAtLeast(start.Slice(8, lengthBytes), lengthBytes, throwOnEndOfStream: false) < lengthBytes)
            throw Broken(path, "it ends within the header");
        uint length = version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (length > MaxHeaderLength) throw Broken(path, $"its header has {length} bytes; it must have at most {MaxHeaderLength}");

        byte[] header = new byte[length];
        if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length) throw Broken(path, "it ends within the header");
        return ParseHeader((version == 3 ? Encoding.UTF8 : Encoding.Latin1).GetString(header), path);
    }

    private static (bool IsDouble, TensorShape Shape) ParseHeader(string header, string path)
    {
        string descr = Field(DescrPattern(), header, path, "descr");
        if (descr is not ("<f4" or "<f8" or "=f4" or "=f8"))
            throw Broken(path, $"its element type is '{descr}'; it must be '<f4' or '<f8' (little-endian float32 or float64)");
        if (Field(OrderPattern(), header, path, "fortran_order") == "True")
            throw Broken(path, "it is in Fortran order; save it in C order (numpy.ascontiguousarray)");

        string[] sizes = Field(ShapePattern(), header, path, "shape").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (sizes.Length > 4) throw Broken(path, $"it has {sizes.Length} dimensions; it must have at most 4");
        int[] nchw = [1, 1, 1, 1];
        for (int i = 0; i < sizes.Length; i++)
        {
            if (!int.TryParse(sizes[i], NumberStyles.None, CultureInfo.InvariantCulture, out int size) || size < 1)
                throw Broken(path, $"its shape has the size '{sizes[i]}'; each must be a whole number from 1 to {int.MaxValue}");
            nchw[4 - sizes.Length + i] = size;
        }

        return (descr.EndsWith('8'), new TensorShape(nchw[0], nchw[1], nchw[2], nchw[3]));
    }

    private static string Field(Regex pattern, string header, string path, string name) =>
        pattern.Match(header) is { Success: true } match ? match.Groups[1].Value : throw Broken(path, $"its header has no readable '{name}'");

    private static long CheckDataLength(FileStream file, string path, TensorShape shape, int elementSize)
    {
        long present = file.Length - file.Position;
        Int128 needed = (Int128)((long)shape.N * shape.C) * ((long)shape.H * shape.W) * elementSize;   // any four sizes fit
        return present == needed
            ? present
            : throw Broken(path, $"it has {present} bytes of data; shape {shape} needs {needed}");
    }

    private static void ReadBytes(FileStream file, byte* target, long count)
    {
        for (long done = 0; done < count;)
        {
            int chunk = (int)Math.Min(count - done, 1 << 20);
            file.ReadExactly(new Span<byte>(target + done, chunk));
            done += chunk;
        }
    }

    private static void ReadDoubles(FileStream file, float* target, long count)
    {
        double[] chunk = new double[ChunkElements];
        for (long done = 0; done < count;)
        {
            Span<double> values = chunk.AsSpan(0, (int)Math.Min(count - done, ChunkElements));
            file.ReadExactly(MemoryMarshal.AsBytes(values));
            foreach (double value in values) target[done++] = (float)value;
        }
    }

    private static void WriteBytes(Stream file, byte* source, long count)
    {
        for (long done = 0; done < count;)
        {
            int chunk = (int)Math.Min(count - done, 1 << 20);
            file.Write(new ReadOnlySpan<byte>(source + done, chunk));
            done += chunk;
        }
    }

    private static InvalidDataException Broken(string path, string reason) => new($"'{path}' cannot be read as a numpy array: {reason}.");

    [GeneratedRegex("""['"]descr['"]\s*:\s*['"]([^'"]*)['"]""")]
    private static partial Regex DescrPattern();

    [GeneratedRegex("""['"]fortran_order['"]\s*:\s*(True|False)\b""")]
    private static partial Regex OrderPattern();

    [GeneratedRegex("""['"]shape['"]\s*:\s*\(([^)]*)\)""")]
    private static partial Regex ShapePattern();
}
