using System.Runtime.CompilerServices;

namespace ConvNative.Kernels;

/// <summary>Lines to ask for while tiles are computed, one a point: the same number of neighbours from each of some places on.</summary>
internal unsafe struct PrefetchQueue
{
    /// <summary>The next line.</summary>
    public float* Line;

    /// <summary>How many from there on belong together.</summary>
    public nint Left;

    private readonly float** _end;
    private readonly float* _idle;
    private readonly nint _lines;
    private float** _next;

    /// <param name="places">Where lines are needed.</param>
    /// <param name="count">How many places.</param>
    /// <param name="lines">Lines from each.</param>
    /// <param name="idle">What to ask for after that: something that is near already.</param>
    public PrefetchQueue(float** places, int count, int lines, float* idle)
    {
        (_lines, Left) = (lines, 1);
        _next = places;
        _end = places + count;
        Line = _idle = idle;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Next()
    {
        Left = _lines;
        return _next < _end ? *_next++ : _idle;
    }
}
