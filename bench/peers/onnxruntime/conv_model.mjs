// An ONNX model of one Conv node, its weights and bias as initializers.
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";

const schema = readFileSync(new URL("onnx.proto", import.meta.url), "utf8");
const Model = protobuf.parse(schema, { keepCase: true }).root.lookupType("Model");

const Float = 1; // TensorProto.DataType.FLOAT
const AttributeInt = 2; // AttributeProto.AttributeType.INT
const AttributeInts = 7; // AttributeProto.AttributeType.INTS
const IrVersion = 8;
const OpsetVersion = 13;

const ints = (name, ...values) => ({ name, type: AttributeInts, ints: values });
const initializer = (name, dims, bytes) => ({ name, dims, data_type: Float, raw_data: bytes });
const value = (name, dims) => ({
  name,
  type: { tensor_type: { elem_type: Float, shape: { dim: dims.map((size) => ({ dim_value: size })) } } },
});

/** Bytes of the model. w and b are raw float32 bytes; b is null for no bias. Input "x", output "y". */
export function convModel(p, w, b) {
  const conv = {
    op_type: "Conv",
    input: b ? ["x", "w", "b"] : ["x", "w"],
    output: ["y"],
    attribute: [
      ints("kernel_shape", p.kh, p.kw),
      ints("strides", p.sh, p.sw),
      ints("dilations", p.dh, p.dw),
      ints("pads", p.pt, p.pl, p.pb, p.pr),
      { name: "group", type: AttributeInt, i: p.g },
    ],
  };
  const weights = initializer("w", [p.oc, p.ic / p.g, p.kh, p.kw], w);
  return Model.encode({
    ir_version: IrVersion,
    opset_import: [{ domain: "", version: OpsetVersion }],
    graph: {
      name: "conv",
      node: [conv],
      initializer: b ? [weights, initializer("b", [p.oc], b)] : [weights],
      input: [value("x", [p.mb, p.ic, p.ih, p.iw])],
      output: [value("y", [p.mb, p.oc, p.oh, p.ow])],
    },
  }).finish();
}
