using ConvNative.Simd;

namespace ConvNative.Kernels;

/// <summary>
/// An image as images of its pixels whose rows and columns leave the same rest modulo the dilation, one row phase at a time:
/// <code>planes[b][c][i][j] = image[c][dh·i + a − top][dw·j + b − left],   of row phase a</code>
/// </summary>
internal sealed unsafe class DilationPlanes
{
    private readonly int _channels, _height, _width, _dh, _dw, _top, _left;
    private readonly PhasePlanes[] _phases;   // of each row phase

    /// <param name="channels">Of the image.</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="dh">Row phases.</param>
    /// <param name="dw">Column phases.</param>
    /// <param name="top">The row phase of the image's first row.</param>
    /// <param name="left">The column phase of its first column.</param>
    /// <param name="rows">Rows of a plane.</param>
    /// <param name="columns">Columns of a plane.</param>
    public DilationPlanes(int channels, int height, int width, int dh, int dw, int top, int left, int rows, int columns)
    {
        (_channels, _height, _width, _dh, _dw, _top, _left) = (channels, height, width, dh, dw, top, left);
        _phases = new PhasePlanes[dh];
        for (int phase = 0; phase < dh; phase++)
        {
            ReadOnlySpan<Tap> corners = [new(phase - top, -left), new(phase - top, dw - 1 - left)];
            _phases[phase] = new PhasePlanes(height, width, rows, columns, dh, dw, corners, isDense: true, channels: channels);
        }
    }

    /// <summary>Channels of the image.</summary>
    public int Channels => _channels;

    /// <summary>Floats of an image.</summary>
    public nint ImageLength => (nint)_channels * _height * _width;

    /// <summary>Floats of the planes of one row phase of an image.</summary>
    public nint Length => _dw * _phases[0].PhaseStride;

    /// <summary>The planes of a row phase, for <paramref name="count"/> channels from <paramref name="channel"/> on.</summary>
    public void Split(Isa isa, int phase, float* image, int channel, int count, float* planes)
    {
        PhasePlanes to = _phases[phase];
        PhasePlanesFill.Run(isa, to, image + (channel * (nint)_height * _width), count, 0, to.Rows, planes + (channel * to.PlaneLength));
    }

    /// <summary>The rows of a row phase from their planes, for <paramref name="count"/> channels from <paramref name="channel"/> on.</summary>
    public void Join(Isa isa, int phase, float* planes, int channel, int count, float* image)
    {
        PhasePlanes from = _phases[phase];
        int skipped = phase < _top ? 1 : 0, row = (skipped * _dh) + phase - _top, rows = BlockSizes.CeilDiv(_height - row, _dh);
        planes += (channel * from.PlaneLength) + (skipped * (nint)from.Pitch);
        image += (((channel * (nint)_height) + row) * _width);
        for (; count > 0; count--, planes += from.PlaneLength, image += (nint)_height * _width)
            PlaneStore.Interleaved(isa, planes, from.PhaseStride, 1, _dw, from.Pitch, rows, _width, image, _dh * (nint)_width, rw: _left);
    }
}
