using System.Runtime.CompilerServices;

namespace ConvNative.Kernels;

/// <summary>Neighbouring patches of a row, and the pixels of a pixel row that belong to them (<see cref="PatchFold"/>).</summary>
internal readonly struct PatchRun
{
    /// <summary><paramref name="count"/> patches from column <paramref name="ow"/> on.</summary>
    public PatchRun(in ConvSizes s, int ow, int count)
    {
        Count = count;
        Left = FirstPixel(ow, s.OW, s.sw, s.pl, s.IW);
        Width = FirstPixel(ow + count, s.OW, s.sw, s.pl, s.IW) - Left;
        Ahead = (ow * s.sw) - s.pl - Left;
        int room = Width - Ahead - ((s.KW - 1) * s.dw);
        Before = Math.Min(count, BlockSizes.CeilDiv(-Ahead, s.sw));
        Inside = Math.Max(Before, Math.Min(count, room <= 0 ? 0 : BlockSizes.CeilDiv(room, s.sw)));
        First = Math.Clamp(Ahead + (Before * s.sw), 0, Width);
    }

    public int Count { get; }

    /// <summary>First pixel.</summary>
    public int Left { get; }

    /// <summary>Pixels, 0 where all is padding.</summary>
    public int Width { get; }

    /// <summary>Where the first patch begins, from <see cref="Left"/> on; below 0 in the padding.</summary>
    public int Ahead { get; }

    /// <summary>So many patches begin in the padding.</summary>
    public int Before { get; }

    /// <summary>The first patch after these that does not end inside.</summary>
    public int Inside { get; }

    /// <summary>Where the first patch that is inside begins, from <see cref="Left"/> on.</summary>
    public int First { get; }

    public bool IsInside => Before == 0 && Inside == Count;

    /// <summary>The first pixel of an axis that belongs to a patch; of the one beyond the last the image's end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstPixel(int patch, int patches, int stride, int padding, int size) =>
        patch == 0 ? 0 : patch == patches ? size : Math.Clamp((patch * stride) - padding, 0, size);
}
