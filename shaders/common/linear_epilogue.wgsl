// What a linear layer's kernels compute before they store a value: alpha * value (+ bias[column]) (+ residual[at]) (, all of it times silu(gate[at])).
// The gate is in the residual's place, g capped so that exp stays finite. Constants: HAS_BIAS, HAS_RESIDUAL, HAS_GATE; of the kernel: params.alpha, bias, residual.
fn epilogue(value: f32, at: u32, column: u32) -> f32 {
  var out = value * params.alpha;
  if (HAS_BIAS == 1u) { out += bias[column]; }
  if (HAS_RESIDUAL == 1u) { out += residual[at]; }
  if (HAS_GATE == 1u) {
    let g = residual[at];
    out *= g / (1.0 + exp(min(-g, 80.0)));
  }
  return out;
}
