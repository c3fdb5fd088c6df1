// What an ONNX file says about itself, which onnxruntime-web does not hand out: field 14, pairs of key and value.
export function metadata(file) {
  const text = new TextDecoder();
  const pairs = [...fields(file)].filter(([field]) => field === 14).map(([, pair]) => new Map(fields(pair)));
  return Object.fromEntries(pairs.map((pair) => [text.decode(pair.get(1)), text.decode(pair.get(2))]));
}

// The fields of a protobuf message of which all are numbers (kind 0) or bytes (kind 2), as they are at the top of ONNX.
function* fields(bytes) {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      value += (bytes[at] & 127) * scale;
      if (bytes[at++] < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = number();
    const value = number();
    yield [key >> 3, key & 2 ? bytes.subarray(at, (at += value)) : value];
  }
}
