namespace ConvNative.Tests.Support;

/// <summary>The one list of problems that every algorithm is held against: tails of every vector width, edges, odd sizes.</summary>
internal static class ShapeList
{
    /// <summary>In benchdnn's language; small enough for the double-precision oracle.</summary>
    public static IReadOnlyList<string> Descriptors { get; } =
    [
        // the article's sizes
        "mb1ic1ih10oc1oh10kh3ph1n\"article_1x1x10x10\"",
        "mb5ic1ih10oc20oh10kh3ph1n\"article_batch\"",

        // 1×1: the image is the matrix; with stride, padding, tails
        "mb2ic17ih7oc19oh7kh1ph0n\"pointwise_tail\"",
        "mb1ic64ih14oc33oh14kh1ph0n\"pointwise\"",
        "mb2ic16ih9oc24oh5kh1sh2ph0n\"pointwise_stride\"",
        "mb1ic5ih4oc7oh8kh1ph2n\"pointwise_padded\"",
        "mb1ic130ih1oc67oh1kh1ph0n\"pointwise_one_pixel\"",

        "mb3ic258ih1oc21oh1kh1ph0n\"dense\"",
        "g3mb8ic24ih5iw3oc36oh1ow1kh5kw3ph0n\"dense_groups\"",
        "mb1ic345ih7oc19oh7kh1ph0n\"pointwise_deep\"",
        "mb5ic9ih6oc11oh6kh1ph0n\"pointwise_small_images\"",
        "mb1ic20ih32oc11oh32kh1ph0n\"pointwise_page\"",
        "mb1ic5ih6iw71oc9oh3ow36kh1sh2ph0n\"pointwise_stride_wide\"",
        "mb2ic5ih11oc6oh4kh1sh3ph0n\"pointwise_stride3\"",
        "mb2ic70ih14oc21oh14kh1ph0n\"pointwise_four_over\"",
        "mb1ic39ih5iw10oc9oh5ow10kh1ph0n\"pointwise_two_over\"",
        "mb2ic9ih6iw34oc11oh3ow17kh1sh2ph0n\"pointwise_stride_three_over\"",
        "mb4ic9ih5oc11oh5kh1ph0n\"pointwise_merged_four_over\"",
        "mb2ic50ih14oc130oh14kh1ph0n\"pointwise_lanes\"",
        "mb1ic40ih5oc1300oh5kh1ph0n\"pointwise_lanes_deep\"",
        "g2mb1ic96ih10oc200oh10kh1ph0n\"pointwise_lanes_groups\"",

        // 3×3 over the widths around one and two vectors
        "mb1ic3ih6iw1oc4oh6ow1kh3ph1n\"w1\"",
        "mb1ic3ih6iw2oc5oh6ow2kh3ph1n\"w2\"",
        "mb1ic2ih5iw7oc9oh5ow7kh3ph1n\"w7\"",
        "mb1ic2ih5iw8oc8oh5ow8kh3ph1n\"w8\"",
        "mb1ic2ih5iw9oc7oh5ow9kh3ph1n\"w9\"",
        "mb1ic4ih4iw15oc6oh4ow15kh3ph1n\"w15\"",
        "mb1ic4ih4iw16oc13oh4ow16kh3ph1n\"w16\"",
        "mb2ic4ih4iw17oc17oh4ow17kh3ph1n\"w17\"",
        "mb1ic3ih3iw31oc9oh3ow31kh3ph1n\"w31\"",
        "mb1ic3ih3iw32oc12oh3ow32kh3ph1n\"w32\"",
        "mb1ic3ih3iw33oc16oh3ow33kh3ph1n\"w33\"",
        "mb2ic16ih14oc24oh14kh3ph1n\"square14\"",
        "mb2ic33ih13oc35oh13kh3ph1n\"odd13\"",
        "mb1ic70ih9oc66oh9kh3ph1n\"wide9\"",
        "mb1ic16ih11oc16oh9kh3ph0n\"valid\"",
        "mb3ic8ih7oc16oh7kh3ph1n\"square7\"",
        "mb2ic17ih32oc19oh32kh3ph1n\"page\"",
        "mb1ic17ih16iw64oc18oh16ow64kh3ph1n\"page_wide\"",
        "mb1ic16ih32oc17oh32kh5ph2n\"page_five\"",
        "mb1ic17ih31oc18oh32kh4ph2n\"page_four\"",
        "mb1ic21ih7oc41oh7kh3ph1n\"square7_deep\"",
        "mb1ic10ih7oc13oh7kh5ph2n\"square7_five\"",
        "g2mb2ic14ih13oc18oh12kh4ph1n\"four_taps\"",

        // strides, dilation, large and lopsided kernels and padding
        "mb2ic3ih17oc8oh9kh3sh2ph1n\"stride2\"",
        "mb1ic4ih5iw77oc5oh3ow39kh3sh2ph1n\"stride2_wide\"",
        "mb1ic3ih37oc9oh19kh7sh2ph3n\"first_layer\"",
        "mb1ic3ih35oc10oh7kh11sh4ph0n\"first_layer_stride4\"",
        "mb2ic3ih9iw93oc23oh5ow47kh3sh2ph1n\"first_layer_wide\"",
        "mb1ic3ih16iw19oc5oh6ow7kh3sh3ph1n\"stride3\"",
        "mb1ic4ih13iw22oc6oh7ow6kh3kw5sh2sw4ph1pw2n\"stride_2x4\"",
        "g2mb4ic4ih19iw23oc6oh9ow11kh5sh2ph1n\"phases2_groups\"",
        "mb2ic3ih20iw25oc5oh6ow8kh7sh3ph2n\"phases3\"",
        "mb1ic2ih30iw41oc7oh7ow10kh10sh4ph3n\"phases4\"",
        "mb3ic5ih21iw18oc4oh5ow10kh9kw4sh4sw2ph2pw2n\"phases_4x2\"",
        "mb1ic6ih12oc7oh12kh3ph2dh1n\"dilated\"",
        "mb2ic17ih13iw11oc20oh13ow11kh3ph2dh1n\"dilated_odd\"",
        "mb2ic18ih15iw19oc5oh10ow18kh3ph1pw4dh2dw3n\"dilated_3x4\"",
        "g2mb1ic6ih11iw25oc10oh9ow25kh3ph0pw5dh0dw4n\"dilated_columns\"",
        "mb1ic5ih21iw9oc7oh21ow9kh3ph6pw1dh5dw0n\"dilated_rows\"",
        "mb1ic16ih18oc9oh14kh5ph6dh3n\"dilated_five\"",
        "mb1ic3ih15iw21oc5oh5ow7kh3sh2sw3ph1pw2dh2dw1n\"dilated_strided\"",
        "mb2ic3ih20iw28oc40oh5ow7kh4sh4ph0n\"patches4\"",
        "mb2ic5ih9iw35oc33oh4ow17kh2sh2ph0n\"patches2_margins\"",
        "mb1ic24ih20iw40oc70oh10ow20kh2sh2ph0n\"patches2_blocks\"",
        "mb2ic5ih19oc20oh6kh3sh3ph0n\"patches3\"",
        "mb1ic3ih48oc70oh3kh16sh16ph0n\"patches16\"",
        "mb3ic2ih70iw42oc9oh5ow3kh14sh14ph0n\"patches14\"",
        "g2mb1ic6ih23iw40oc10oh5ow11kh2kw3sh5sw4ph1pw2n\"patches_gaps\"",
        "mb2ic3ih21iw25oc7oh5ow5kh2kw3sh4sw5ph1pw0dh2dw1n\"patches_dilated\"",
        "mb1ic8ih1iw40oc8oh1ow40kh1kw9ph0pw4n\"row\"",
        "mb2ic6ih1iw1300oc17oh1ow1300kh1kw3ph0pw1n\"long_row\"",
        "mb1ic5ih1iw2403oc9oh1ow1202kh1kw5sh1sw2ph0pw2n\"long_row_strided\"",
        "g2mb1ic4ih1iw1500oc6oh1ow1496kh1kw3ph0pw0dh0dw1n\"long_row_dilated\"",
        "mb1ic8ih40iw1oc8oh40ow1kh9kw1ph4pw0n\"column\"",
        "mb2ic4ih6oc5oh1kh6ph0n\"whole_image\"",
        "mb1ic2ih4oc3oh12kh3ph5n\"huge_padding\"",
        "mb1ic2ih1oc3oh1kh3ph1n\"one_pixel\"",
        "mb1ic3ih5iw6oc4oh5ow8kh2kw3ph0pw3n\"kernel_below_padding\"",
        "mb1ic5ih12oc6oh10kh5ph1n\"five\"",
        "mb1ic1ih4iw30oc3oh503ow30kh3ph1pw1n\"blocks_of_padding\"",

        // weight gradients: points enough to be summed in parts, in either orientation; more channels than fit the cache at once
        "mb9ic3ih17oc30oh17kh3ph1n\"many_points\"",
        "mb9ic3ih17oc9oh17kh3ph1n\"many_points_few_channels\"",
        "mb9ic3ih17oc32oh17kh3ph1n\"many_points_nines\"",
        "mb3ic20ih40oc35oh40kh1ph0n\"many_points_pointwise\"",
        "g2mb3ic10ih40oc70oh40kh1ph0n\"many_points_groups\"",
        "mb1ic3000ih14oc17oh7kh1sh2ph0n\"many_channels_strided\"",

        // groups and depthwise
        "g2mb2ic6ih8oc10oh8kh3ph1n\"groups2\"",
        "g3mb1ic15ih9oc9oh5kh3sh2ph1n\"groups3_stride\"",
        "g4mb1ic32ih6oc12oh6kh1ph0n\"groups_pointwise\"",
        "g8mb2ic8ih11oc8oh11kh3ph1n\"depthwise\"",
        "g17mb1ic17ih15iw33oc17oh15ow33kh3ph1n\"depthwise_tail\"",
        "g5mb2ic5ih14oc5oh7kh3sh2ph1n\"depthwise_stride\"",
        "g6mb1ic6ih10oc12oh10kh5ph2n\"depthwise_multiplier\"",
        "g7mb1ic7ih12iw9oc7oh12ow9kh3ph2dh1n\"depthwise_dilated\"",
        "g4mb1ic4ih24oc4oh12kh3sh2ph0n\"depthwise_stride_same\"",
        "g35mb3ic35ih4iw7oc35oh4ow7kh3ph1n\"depthwise_seven_columns\"",
        "g4mb40ic4ih28iw10oc4oh14ow5kh3sh2ph1n\"depthwise_many_rows\"",
    ];

    /// <summary>The problems, and some that the language cannot say: padding that no output reaches, lopsided padding.</summary>
    public static IEnumerable<ConvProblem> Problems =>
        Descriptors.Select(ConvProblem.Parse).Concat(
        [
            new ConvProblem(new TensorShape(2, 3, 9, 11), 4, 3, 3) { Padding = new Padding(0, 1, 2, 3), Name = "lopsided" },
            new ConvProblem(new TensorShape(1, 5, 8, 10), 6, 3, 2) { StrideH = 2, StrideW = 3, Padding = new Padding(2, 0, 0, 1), Name = "lopsided_stride" },
            new ConvProblem(new TensorShape(1, 4, 10, 10), 4, 3, 3) { StrideH = 4, StrideW = 4, Padding = new Padding(0, 0, 3, 3), Name = "unreached_padding" },
            new ConvProblem(new TensorShape(1, 4, 7, 9), 8, 3, 3) { Padding = new Padding(3, 4, 0, 0), Name = "beyond_the_kernel" },
            new ConvProblem(new TensorShape(2, 5, 6, 20), 5, 3, 3) { Groups = 5, Padding = new Padding(1, 1, 1, 0), Name = "depthwise_lopsided" },
            .. StridedDepthwise(),
            new ConvProblem(new TensorShape(1, 2, 2, 5), 3, 1, 2) { StrideH = 3, StrideW = 3, Padding = new Padding(1, 1, 1, 1), Name = "padding_alone_is_read" },
        ]);

    /// <summary>Every parity of zeros above and on the left, rows of one strip and of several.</summary>
    private static IEnumerable<ConvProblem> StridedDepthwise()
    {
        for (int top = 0; top < 3; top++)
        for (int left = 0; left < 3; left++)
        {
            foreach (int columns in (int[])[9, 37])
            {
                yield return new ConvProblem(new TensorShape(1, 5, 9, columns), 5, 3, 3)
                {
                    Groups = 5, StrideH = 2, StrideW = 2, Padding = new Padding(top, left, 1, 1), Name = $"depthwise_stride_{top}_{left}_{columns}",
                };
            }
        }
    }
}
