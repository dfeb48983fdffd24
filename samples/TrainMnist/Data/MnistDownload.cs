using System.IO.Compression;
using System.Security.Cryptography;

namespace TrainMnist.Data;

/// <summary>Fetches the smaller pair of MNIST's files (1.6 MB) from the first mirror that has them unaltered.</summary>
internal static class MnistDownload
{
    /// <summary>Where MNIST is published; tried in this order.</summary>
    public static readonly Uri[] Mirrors =
    [
        new("https://storage.googleapis.com/cvdf-datasets/mnist/"),
        new("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        new("https://yann.lecun.com/exdb/mnist/"),
    ];

    private const long MostBytes = 16 << 20;

    // Checksums of the contents: a mirror may have compressed them in its own way.
    private static readonly (string Name, string Sha256)[] Files =
    [
        (MnistFolder.TestImages + ".gz", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        (MnistFolder.TestLabels + ".gz", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ];

    /// <summary>Puts the files into the folder, each only when its checksum is right. Files that are there already are kept.</summary>
    /// <returns>What went wrong, one line per attempt that failed; empty if nothing did.</returns>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static List<string> Fetch(string folder, IReadOnlyList<Uri> mirrors)
    {
        using var handler = new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5) };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(60), MaxResponseContentBufferSize = MostBytes };
        var failures = new List<string>();
        foreach ((string name, string sha256) in Files)
        {
            string path = Path.Combine(folder, name);
            if (File.Exists(path)) continue;
            if (FetchFile(client, mirrors, name, sha256, failures) is not { } bytes) break;
            Directory.CreateDirectory(folder);
            Write(path, bytes);
        }

        return failures;
    }

    private static byte[]? FetchFile(HttpClient client, IReadOnlyList<Uri> mirrors, string name, string sha256, List<string> failures)
    {
        foreach (Uri mirror in mirrors)
        {
            var address = new Uri(mirror, name);
            try
            {
                byte[] bytes = client.GetByteArrayAsync(address).GetAwaiter().GetResult();
                using var contents = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
                string actual = Convert.ToHexStringLower(SHA256.HashData(contents));
                if (actual == sha256) return bytes;
                failures.Add($"{address}: the SHA-256 of its contents is {actual}; it must be {sha256}");
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or InvalidDataException)
            {
                failures.Add($"{address}: {e.Message}");
            }
        }

        return null;
    }

    // Written beside the target and moved into place: an interrupted run leaves no half file that the next one would read.
    private static void Write(string path, byte[] bytes)
    {
        string part = $"{path}.{Environment.ProcessId}.part";
        File.WriteAllBytes(part, bytes);
        File.Move(part, path, overwrite: true);
    }
}
