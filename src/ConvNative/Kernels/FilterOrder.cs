namespace ConvNative.Kernels;

/// <summary>Where the kernels of a matrix of channels lie.</summary>
/// <param name="LaneStride">Floats between the channels that are written.</param>
/// <param name="KStride">Floats between the channels that are summed over.</param>
/// <param name="Flipped">Each kernel is turned by 180°, as the backward direction needs it.</param>
internal readonly record struct FilterOrder(nint LaneStride, nint KStride, bool Flipped);
