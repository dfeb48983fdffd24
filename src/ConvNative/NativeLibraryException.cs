namespace ConvNative;

/// <summary>
/// A native library could not be used: missing, of another architecture, or of another version. The message lists every
/// path that was tried with the system's own reason.
/// </summary>
public class NativeLibraryException : DllNotFoundException
{
    /// <summary>An error without a message.</summary>
    public NativeLibraryException()
    {
    }

    /// <summary>An error with a message.</summary>
    public NativeLibraryException(string message)
        : base(message)
    {
    }

    /// <summary>An error with a message and its cause.</summary>
    public NativeLibraryException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
