using System.Diagnostics;

namespace TrainMnist.Training;

/// <summary>How an epoch (one pass over all images) goes: sums over the images of it so far.</summary>
internal sealed class EpochStatistics
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Func<TimeSpan> _convolutionTime;
    private readonly TimeSpan _convolutionTimeBefore;
    private TimeSpan? _convolutionTimeAfter;
    private double _lossSum;
    private int _correct;

    /// <summary>Begins an epoch.</summary>
    /// <param name="convolutionTime">Time spent in convolution since whenever.</param>
    public EpochStatistics(Func<TimeSpan> convolutionTime)
    {
        _convolutionTime = convolutionTime;
        _convolutionTimeBefore = convolutionTime();
    }

    /// <summary>Images learned from.</summary>
    public int Images { get; private set; }

    /// <summary>Mean loss.</summary>
    public double Loss => _lossSum / Images;

    /// <summary>Share of the images that were recognised, each at the time it was learned from.</summary>
    public double Accuracy => (double)_correct / Images;

    /// <summary>Wall time.</summary>
    public TimeSpan Elapsed => _watch.Elapsed;

    /// <summary>Images learned from per second.</summary>
    public double ImagesPerSecond => Images / Elapsed.TotalSeconds;

    /// <summary>Share of the time that was spent in convolution.</summary>
    public double ConvolutionShare => ((_convolutionTimeAfter ?? _convolutionTime()) - _convolutionTimeBefore) / Elapsed;

    /// <summary>Counts a batch.</summary>
    public void Add(int images, double loss, int correct)
    {
        Images += images;
        _lossSum += loss * images;
        _correct += correct;
    }

    /// <summary>Ends the epoch: the times stand still.</summary>
    public void Stop()
    {
        _watch.Stop();
        _convolutionTimeAfter = _convolutionTime();
    }
}
