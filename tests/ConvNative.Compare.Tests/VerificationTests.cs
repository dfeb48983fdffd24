using ConvNative.Compare.Cases;
using ConvNative.Compare.Verification;

namespace ConvNative.Compare.Tests;

internal sealed class VerificationTests
{
    private static readonly ConvProblem Small = ConvProblem.Parse("g2mb2ic4ih5iw6oc6oh3ow3kh3kw2sh2sw2ph1pw0dh0dw0");

    // <y, y'> = <x, dx> = <w, dw> − <b, db> ties the three sums together: each gradient is the transpose of the forward sum.
    [Test]
    public void The_three_sums_are_each_others_transposes()
    {
        CaseData data = CaseData.Random(Small);
        double Inner(string result, float[] with) => with.Select((value, i) => value * ExactElement.Compute(Small, data, result, i).Value).Sum();
        double bias = Inner("db", data.B);
        double forward = Inner("y", data.DY) - bias;
        Assert.That(Inner("dx", data.X), Is.EqualTo(forward).Within(1e-9));
        Assert.That(Inner("dw", data.W), Is.EqualTo(forward).Within(1e-9));
    }

    [Test]
    public void A_sum_counts_its_terms_and_their_magnitude()
    {
        // One channel, 1×1 image, 1×1 kernel: y = w·x + b.
        ConvProblem problem = new(new TensorShape(1, 1, 1, 1), 1, 1, 1);
        CaseData data = CaseData.Random(problem);
        ExactElement y = ExactElement.Compute(problem, data, "y", 0);
        double product = (double)data.W[0] * data.X[0];
        Assert.That((y.Value, y.Magnitude, y.Terms), Is.EqualTo((data.B[0] + product, Math.Abs(data.B[0]) + Math.Abs(product), 2L)));
    }

    [Test]
    public void The_bound_is_that_of_any_order_for_short_sums_and_probabilistic_for_long_ones()
    {
        double unit = Math.ScaleB(1, -24);
        Assert.That(ErrorBound.Share((float)(5 * unit), new ExactElement(0, 1, 3), 1), Is.EqualTo(1).Within(1e-6));
        Assert.That(ErrorBound.Share((float)(16 * 100 * unit), new ExactElement(0, 1, 9998), 1), Is.EqualTo(1).Within(1e-6));
        Assert.That(ErrorBound.Share(float.NaN, new ExactElement(0, 1, 3), 1), Is.EqualTo(double.PositiveInfinity));
        Assert.That(ErrorBound.Share(0, new ExactElement(0, 0, 0), 1), Is.Zero);
    }

    [Test]
    public void Only_winograd_is_allowed_more()
    {
        Assert.That(ErrorBound.Amplification("Winograd"), Is.GreaterThan(1));
        Assert.That(ErrorBound.Amplification("jit:avx2"), Is.EqualTo(1));
        Assert.That(ErrorBound.Amplification(null), Is.EqualTo(1));
    }

    [Test]
    public void Data_is_the_same_in_every_run_and_within_its_range()
    {
        CaseData data = CaseData.Random(Small);
        Assert.That(CaseData.Random(Small).X, Is.EqualTo(data.X));
        Assert.That(data.X, Has.All.InRange(-1f, 1f));
        Assert.That(data.X.Take(60), Is.Not.EqualTo(data.W.Take(60)));
    }
}
