using System.Runtime.InteropServices;

namespace ConvNative.Tests.Kernels;

/// <summary>
/// Floats between two fences of a signalling NaN: a kernel that writes beyond its buffer breaks a fence, even where it only
/// adds 0 (arithmetic makes the NaN a quiet one); one that uses what it reads there spreads NaN. Not aligned on purpose.
/// Filled with the same NaN at first.
/// </summary>
internal sealed unsafe class FencedFloats : IDisposable
{
    private const int Fence = 67;
    private const uint Poison = 0x7fa0_dead;
    private readonly uint* _memory;

    public FencedFloats(long length)
    {
        Length = length;
        _memory = (uint*)NativeMemory.Alloc((nuint)((length + (2 * Fence)) * sizeof(float)));
        for (long i = 0; i < length + (2 * Fence); i++) _memory[i] = Poison;
    }

    public long Length { get; }

    public float* Pointer => (float*)(_memory + Fence);

    public Span<float> Span => new(Pointer, checked((int)Length));

    public ReadOnlySpan<int> Bits => new(Pointer, checked((int)Length));

    public bool FencesHold
    {
        get
        {
            for (int i = 0; i < Fence; i++)
            {
                if (_memory[i] != Poison || _memory[Fence + Length + i] != Poison)
                    return false;
            }

            return true;
        }
    }

    /// <summary>Whole numbers from −8 to 8: sums of products of a few thousand of them are exact in any order.</summary>
    public FencedFloats FillWhole(Random random)
    {
        foreach (ref float value in Span) value = random.Next(-8, 9);
        return this;
    }

    /// <summary>Uniform in [−1, 1): sums round, so that their order shows.</summary>
    public FencedFloats FillUniform(Random random)
    {
        foreach (ref float value in Span) value = (2 * random.NextSingle()) - 1;
        return this;
    }

    public void Dispose() => NativeMemory.Free(_memory);
}
