using FsCheck;
using FsCheck.Fluent;

namespace ConvNative.Tests.Support;

/// <summary>Small random problems for properties, from a fixed seed so that a failure comes back.</summary>
internal static class RandomProblems
{
    private static Gen<ConvProblem> Problems =>
        from n in Gen.Choose(1, 3)
        from groups in Gen.Choose(1, 3)
        from ic in Gen.Choose(1, 4)
        from oc in Gen.Choose(1, 6)
        from ih in Gen.Choose(1, 14)
        from iw in Gen.Choose(1, 20)
        from kh in Gen.Choose(1, 4)
        from kw in Gen.Choose(1, 4)
        from sh in Gen.Choose(1, 3)
        from sw in Gen.Choose(1, 3)
        from dh in Gen.Choose(1, 2)
        from dw in Gen.Choose(1, 2)
        from pt in Gen.Choose(0, 3)
        from pl in Gen.Choose(0, 3)
        from pb in Gen.Choose(0, 3)
        from pr in Gen.Choose(0, 3)
        let problem = new ConvProblem(new TensorShape(n, groups * ic, ih, iw), groups * oc, kh, kw)
        {
            Groups = groups, StrideH = sh, StrideW = sw, DilationH = dh, DilationW = dw, Padding = new Padding(pt, pl, pb, pr),
        }
        where (dh * (kh - 1)) + 1 <= ih + pt + pb && (dw * (kw - 1)) + 1 <= iw + pl + pr
        select problem;

    // 3×3 and 5×5 with unit strides, which some algorithms are written for, would otherwise be rare.
    private static Gen<ConvProblem> Dense =>
        from problem in Problems
        from size in Gen.Elements(3, 4, 5)
        where problem.Input is { H: > 2, W: > 2 }
        select new ConvProblem(problem.Input, problem.Weights.N, size, size) { Groups = problem.Groups, Padding = Padding.All(size / 2) };

    /// <summary>Checks a property, which throws where it does not hold, for so many problems.</summary>
    public static void ForAll(Action<ConvProblem> holds, int count = 100) => Prop
        .ForAll(Gen.OneOf(Problems, Dense).ToArbitrary(), problem =>
        {
            holds(problem);
            return true;
        })
        .Check(Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20_240_601, 7).WithQuietOnSuccess(true));
}
