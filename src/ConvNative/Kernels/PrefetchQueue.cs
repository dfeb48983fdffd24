using System.Runtime.CompilerServices;

namespace ConvNative.Kernels;

/// <summary>
/// Lines to ask for while tiles are computed, one a point: as many neighbours from each of some places on. The places are spread evenly
/// over all points, since a processor that has too many lines under way stops.
/// </summary>
internal unsafe struct PrefetchQueue
{
    /// <summary>The next line.</summary>
    public float* Line;

    /// <summary>How many from there on belong together.</summary>
    public nint Left;

    private readonly float** _end;
    private readonly float* _idle;
    private readonly nint _lines;
    private readonly nint _pause;
    private float** _next;
    private nint _wait;

    /// <param name="places">Where lines are needed.</param>
    /// <param name="count">How many places.</param>
    /// <param name="lines">Lines from each.</param>
    /// <param name="points">Points that will be computed.</param>
    /// <param name="idle">What to ask for in between: something that is near already.</param>
    public PrefetchQueue(float** places, int count, int lines, long points, float* idle)
    {
        (_lines, Left) = (lines, 1);
        _pause = (nint)(points / (lines * (count + 1L))) - 1;
        _next = places;
        _end = places + count;
        Line = _idle = idle;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Next()
    {
        Left = _lines;
        if (_wait-- > 0) return _idle;
        _wait = _pause;
        return _next < _end ? *_next++ : _idle;
    }
}
