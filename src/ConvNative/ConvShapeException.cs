namespace ConvNative;

/// <summary>A shape or size does not fit: the message names what it was and what it has to be.</summary>
public class ConvShapeException : ArgumentException
{
    /// <summary>An error without a message.</summary>
    public ConvShapeException()
    {
    }

    /// <summary>An error with a message.</summary>
    public ConvShapeException(string message)
        : base(message)
    {
    }

    /// <summary>An error with a message and its cause.</summary>
    public ConvShapeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error with a message that names the argument.</summary>
    public ConvShapeException(string message, string? paramName)
        : base(message, paramName)
    {
    }
}
