using System.Text.Json;
using System.Text.Json.Serialization;
using ConvNative.Compare.Cases;

namespace ConvNative.Compare.Peers;

/// <summary>A request of the protocol (bench/peers/README.md); members that a command does not have are null and left out.</summary>
internal sealed record PeerRequest(
    string Cmd,
    string? Mode = null,
    string? Dir = null,
    PeerProblem? Problem = null,
    bool? Bias = null,
    string? Data = null,
    int? Times = null);

/// <summary>A reply of the protocol; members that the command does not have are null.</summary>
internal sealed record PeerReply
{
    public bool? Ok { get; init; }
    public string? Error { get; init; }
    public string? Name { get; init; }
    public string? Version { get; init; }
    public string? Details { get; init; }
    public string[]? Modes { get; init; }
    public string[]? Directions { get; init; }
    public bool? Supported { get; init; }
    public string? Reason { get; init; }
    public string? Algorithm { get; init; }
    public double? PrepareSeconds { get; init; }
    public long? WorkspaceBytes { get; init; }
    public double[]? Seconds { get; init; }
    public string[]? Files { get; init; }
    public string? Unchecked { get; init; }
    public long? PeakBytes { get; init; }
}

/// <summary>A problem as the protocol writes it: notation of docs/notation.md, mb is N, dilation 1 is dense.</summary>
internal sealed record PeerProblem(
    int G, int Mb, int Ic, int Ih, int Iw, int Oc, int Oh, int Ow, int Kh, int Kw, int Sh, int Sw, int Dh, int Dw, int Pt, int Pl, int Pb, int Pr)
{
    public static PeerProblem From(ConvProblem problem)
    {
        (TensorShape x, TensorShape w, TensorShape y, Padding p) = (problem.Input, problem.Weights, problem.Output, problem.Padding);
        return new PeerProblem(
            problem.Groups, x.N, x.C, x.H, x.W, w.N, y.H, y.W, w.H, w.W,
            problem.StrideH, problem.StrideW, problem.DilationH, problem.DilationW, p.Top, p.Left, p.Bottom, p.Right);
    }

    public ConvProblem ToProblem() => new(new TensorShape(Mb, Ic, Ih, Iw), Oc, Kh, Kw)
    {
        StrideH = Sh,
        StrideW = Sw,
        DilationH = Dh,
        DilationW = Dw,
        Padding = new Padding(Pt, Pl, Pb, Pr),
        Groups = G,
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PeerRequest))]
[JsonSerializable(typeof(PeerReply))]
[JsonSerializable(typeof(PeerManifest))]
internal sealed partial class PeerJson : JsonSerializerContext
{
    /// <summary>Names of the files that hold the results of a direction.</summary>
    public static string[] OutputFiles(Direction direction) => direction switch
    {
        Direction.FWD => ["y.bin"],
        Direction.BWD_D => ["dx.bin"],
        _ => ["dw.bin", "db.bin"],
    };
}
