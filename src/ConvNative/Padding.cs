namespace ConvNative;

/// <summary>Zeros assumed around an image, in pixels per side.</summary>
/// <param name="Top">Rows above (pt).</param>
/// <param name="Left">Columns before (pl).</param>
/// <param name="Bottom">Rows below (pb).</param>
/// <param name="Right">Columns after (pr).</param>
public readonly record struct Padding(int Top, int Left, int Bottom, int Right)
{
    /// <summary>The same padding <paramref name="p"/> on all four sides.</summary>
    public static Padding All(int p) => new(p, p, p, p);
}
