namespace ConvNative.Tests.Support;

/// <summary>Runs that an algorithm may refuse.</summary>
internal static class TestRun
{
    /// <summary>Runs a direction; false where the algorithm asked for refuses it.</summary>
    public static bool Supported(Action run)
    {
        try
        {
            run();
            return true;
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }

    /// <summary>Plans a problem; null where the algorithm asked for refuses all of its directions.</summary>
    public static Conv2d? Plan(ConvProblem problem, Conv2dOptions options)
    {
        try
        {
            return new Conv2d(problem, options);
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }
}
