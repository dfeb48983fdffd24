namespace ConvNative.Benchmarks;

/// <summary>Layers of well-known networks (sizes as in oneDNN's benchdnn inputs), one of each kind of work.</summary>
internal static class Layers
{
    public static IEnumerable<string> All =>
    [
        "mb1ic3ih224oc64oh112kh7sh2ph3n\"resnet_50:conv1\"",
        "mb1ic64ih56oc256oh56kh1ph0n\"resnet_50:res2a_branch1\"",
        "mb1ic64ih56oc64oh56kh3ph1n\"resnet_50:res2a_branch2b\"",
        "mb1ic256ih56oc128oh28kh1sh2ph0n\"resnet_50:res3a_branch2a\"",
        "mb1ic256ih14oc256oh14kh3ph1n\"resnet_50:res4a_branch2b\"",
        "mb1ic2048ih7oc512oh7kh1ph0n\"resnet_50:res5b_branch2a\"",
        "mb1ic16ih28oc32oh28kh5ph2n\"googlenet_v1:inception_3a/5x5\"",
        "g128mb1ic128ih56oc128oh56kh3ph1n\"mobilenet:conv3_1/dw\"",
    ];
}
