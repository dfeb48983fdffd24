namespace ConvNative.Kernels;

/// <summary>What <see cref="DepthwiseColumns{S,V,R,K}"/> sums, and where: a vector of outputs in each of some rows.</summary>
internal unsafe struct StencilSums
{
    /// <summary>The first row of the first plane, at the first output's column.</summary>
    public float* From;

    /// <summary>Floats from the row of a step to the next step's.</summary>
    public nint Pitch;

    /// <summary>Planes that are summed.</summary>
    public int Planes;

    /// <summary>Floats between them.</summary>
    public nint PlanePitch;

    /// <summary>The first plane's weights.</summary>
    public float* Weights;

    /// <summary>From the weight of a tap to that of the next one in its column.</summary>
    public nint WeightStep;

    /// <summary>Weights of a plane.</summary>
    public nint WeightsPitch;

    /// <summary>What the sums of the first row begin with.</summary>
    public float* First;

    /// <summary>From there to the next row's; 0: all begin alike.</summary>
    public nint FirstPitch;

    /// <summary>Memory for sums of which some columns are missing.</summary>
    public float* Part;

    /// <summary>The results of the first row, then of the rows after it, in this order.</summary>
    public float* To;

    /// <summary>Floats from row to row.</summary>
    public nint ToPitch;

    /// <summary>Lanes of the last row that may be written; of all others all are.</summary>
    public int LastCount;

    /// <summary>Settles what the sums begin with.</summary>
    public void BeginWith(float* first, nint pitch)
    {
        First = first;
        FirstPitch = pitch;
    }

    /// <summary>Settles where the results go.</summary>
    public void Write(float* to, nint pitch, int lastCount = 0)
    {
        To = to;
        ToPitch = pitch;
        LastCount = lastCount;
    }
}
