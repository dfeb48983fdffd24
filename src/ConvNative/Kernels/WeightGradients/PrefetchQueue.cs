using System.Runtime.CompilerServices;

namespace ConvNative.Kernels;

/// <summary>Places to ask for, each <see cref="Step"/> floats after the one before.</summary>
internal readonly unsafe struct PrefetchPlaces(float* first, nint step, int count)
{
    public readonly float* First = first;
    public readonly nint Step = step;
    public readonly int Count = count;
}

/// <summary>
/// Lines to ask for while tiles are computed, one a point or a few: as many neighbours from each of some places on. The places are spread evenly
/// over all of them, since a processor that has too many lines under way stops.
/// </summary>
internal unsafe struct PrefetchQueue
{
    /// <summary>The next line.</summary>
    public float* Line;

    /// <summary>How many from there on belong together.</summary>
    public nint Left;

    private readonly PrefetchPlaces* _end;
    private readonly float* _idle;
    private readonly nint _lines;
    private readonly nint _pause;
    private PrefetchPlaces* _next;
    private float* _place;
    private nint _step;
    private int _places;
    private nint _wait;

    /// <param name="groups">Where lines are needed.</param>
    /// <param name="count">How many groups of places.</param>
    /// <param name="lines">Lines from each place.</param>
    /// <param name="asked">How many lines will be asked for.</param>
    /// <param name="idle">What to ask for in between: something that is near already.</param>
    public PrefetchQueue(PrefetchPlaces* groups, int count, int lines, long asked, float* idle)
    {
        (_lines, Left) = (lines, 1);
        _next = groups;
        _end = groups + count;
        long places = 0;
        for (int i = 0; i < count; i++) places += groups[i].Count;
        _pause = (nint)(asked / (lines * (places + 1))) - 1;
        Line = _idle = idle;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Next()
    {
        Left = _lines;
        if (_wait-- > 0) return _idle;
        _wait = _pause;
        if (_places == 0)
        {
            if (_next == _end) return _idle;
            _place = _next->First;
            _step = _next->Step;
            _places = _next++->Count;
        }

        float* place = _place;
        _place += _step;
        _places--;
        return place;
    }
}
