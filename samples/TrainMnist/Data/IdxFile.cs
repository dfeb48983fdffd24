using System.Buffers.Binary;
using System.IO.Compression;

namespace TrainMnist.Data;

/// <summary>
/// An array of bytes in the IDX format, in which MNIST is published: two zero bytes, the element type, the number of dimensions, each
/// size as a big-endian 32-bit integer, then the elements, last dimension fastest.
/// </summary>
internal sealed record IdxFile(int[] Sizes, byte[] Elements)
{
    private const byte UnsignedByte = 8;

    /// <summary>Reads a file, gzipped or not.</summary>
    /// <exception cref="InvalidDataException">The file is broken or holds something else; the message tells what.</exception>
    public static IdxFile Read(string path, int dimensions)
    {
        byte[] bytes = ReadBytes(path);
        int headerLength = 4 + (4 * dimensions);
        if (bytes.Length < headerLength)
            throw Broken(path, $"it has {bytes.Length} bytes; the header alone needs {headerLength}");
        if (bytes[0] != 0 || bytes[1] != 0)
            throw Broken(path, $"it begins with the bytes {bytes[0]}, {bytes[1]}; IDX begins with 0, 0");
        if (bytes[2] != UnsignedByte)
            throw Broken(path, $"its element type is {bytes[2]}; it must be {UnsignedByte} (unsigned byte)");
        if (bytes[3] != dimensions)
            throw Broken(path, $"it has {bytes[3]} dimensions; it must have {dimensions}");

        int[] sizes = ReadSizes(path, bytes, dimensions);
        Int128 needed = sizes.Aggregate((Int128)1, (product, size) => product * size);
        int present = bytes.Length - headerLength;
        return present == needed
            ? new IdxFile(sizes, bytes[headerLength..])
            : throw Broken(path, $"it has {present} bytes of data; {string.Join('×', sizes)} needs {needed}");
    }

    private static int[] ReadSizes(string path, byte[] bytes, int dimensions)
    {
        int[] sizes = new int[dimensions];
        for (int i = 0; i < dimensions; i++)
        {
            sizes[i] = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(4 + (4 * i)));
            if (sizes[i] < 1) throw Broken(path, $"size {i + 1} is {sizes[i]}; it must be at least 1");
        }

        return sizes;
    }

    private static byte[] ReadBytes(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bool gzipped = bytes is [0x1f, 0x8b, ..];
        if (!gzipped) return bytes;
        try
        {
            using var unpacked = new MemoryStream();
            using var gzip = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
            gzip.CopyTo(unpacked);
            return unpacked.ToArray();
        }
        catch (InvalidDataException e)
        {
            throw Broken(path, $"its compression is damaged ({e.Message.TrimEnd('.')})");
        }
    }

    private static InvalidDataException Broken(string path, string reason) => new($"'{path}' cannot be read as an IDX file: {reason}.");
}
