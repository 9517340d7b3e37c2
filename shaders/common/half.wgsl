// Converts f32 to the bits of IEEE half precision, rounded to nearest even. Values above 65504 become infinity, and NaN stays NaN.
fn f16_bits(value: f32) -> u32 {
  let x = bitcast<u32>(value);
  let sign = (x >> 16u) & 0x8000u;
  let size = x & 0x7fffffffu;
  if (size > 0x7f800000u) { return sign | 0x7e00u; }
  if (size >= 0x47800000u) { return sign | 0x7c00u; }
  if (size >= 0x38800000u) {
    let rebiased = size - 0x38000000u;
    return sign | ((rebiased + 0xfffu + ((rebiased >> 13u) & 1u)) >> 13u);
  }
  let exponent = size >> 23u;
  if (exponent < 102u) { return sign; }
  let significand = (size & 0x7fffffu) | 0x800000u;
  let shift = 126u - exponent;
  let kept = significand >> shift;
  let rest = significand & ((1u << shift) - 1u);
  let middle = 1u << (shift - 1u);
  return sign | (kept + select(0u, 1u, rest > middle || (rest == middle && (kept & 1u) == 1u)));
}
