using System.Runtime.Intrinsics;
using ConvNative.Simd;
using ConvNative.Tests.Kernels;

namespace ConvNative.Tests.Simd;

/// <summary>Columns of rows that stand a pitch apart come from there and go there, and nothing beside them is read or written.</summary>
internal sealed unsafe class PitchTests
{
    [Test]
    public void Four_columns_come_and_go([Values] Isa isa, [Values(4, 5, 9, 16, 49)] int pitch) => Check(isa, pitch, 4);

    [Test]
    public void Eight_columns_come([Values] Isa isa, [Values(8, 9, 25, 64)] int pitch) => Check(isa, pitch, 8);

    private static void Check(Isa isa, int pitch, int columns)
    {
        if (isa == Isa.Avx512) Check<Simd512, Vector512<float>>(pitch, columns);
        else if (isa == Isa.Avx2) Check<Simd256, Vector256<float>>(pitch, columns);
        else Check<Simd128, Vector128<float>>(pitch, columns);
    }

    private static void Check<S, V>(int pitch, int columns)
        where S : struct, ISimd<V>
        where V : struct
    {
        // The last row ends with the memory.
        using FencedFloats rows = new(((S.Width - 1) * pitch) + columns), turned = new(columns * S.Width), back = new(rows.Length);
        for (int i = 0; i < rows.Length; i++) rows.Span[i] = i;
        if (columns == 8) LoadOcts<S, V>(rows.Pointer, pitch, turned.Pointer);
        else LoadQuads<S, V>(rows.Pointer, pitch, turned.Pointer);
        for (int j = 0; j < columns; j++)
        for (int lane = 0; lane < S.Width; lane++) Assert.That(turned.Span[(j * S.Width) + lane], Is.EqualTo((float)((lane * pitch) + j)));
        if (columns == 8) return;
        back.Span.Fill(-1);
        V At(int j) => S.Load(turned.Pointer + (j * S.Width));
        S.StoreQuads(back.Pointer, pitch, At(0), At(1), At(2), At(3));
        for (int i = 0; i < back.Length; i++) Assert.That(back.Span[i], Is.EqualTo(i % pitch < columns ? i : -1f));
        Assert.That(back.FencesHold);
    }

    private static void LoadQuads<S, V>(float* rows, nint pitch, float* to)
        where S : struct, ISimd<V>
        where V : struct
    {
        S.LoadQuads(rows, pitch, out V c0, out V c1, out V c2, out V c3);
        Store<S, V>([c0, c1, c2, c3], to);
    }

    private static void LoadOcts<S, V>(float* rows, nint pitch, float* to)
        where S : struct, ISimd<V>
        where V : struct
    {
        S.LoadOcts(rows, pitch, out V c0, out V c1, out V c2, out V c3, out V c4, out V c5, out V c6, out V c7);
        Store<S, V>([c0, c1, c2, c3, c4, c5, c6, c7], to);
    }

    private static void Store<S, V>(V[] columns, float* to)
        where S : struct, ISimd<V>
        where V : struct
    {
        for (int j = 0; j < columns.Length; j++) S.Store(to + (j * S.Width), columns[j]);
    }
}
