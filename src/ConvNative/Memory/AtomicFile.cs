namespace ConvNative.Memory;

/// <summary>Files that are written whole or not at all.</summary>
internal static class AtomicFile
{
    /// <summary>Writes beside the target first and moves into place, so that a failure leaves an existing file as it was.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream file = File.Create(temporary)) write(file);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
