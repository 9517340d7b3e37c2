// Codes 1 to 15 for -7 to 7, eight to a word, times the scale of their group of 32. ROW_QUADS: fours in a row, a multiple of 8.
@group(0) @binding(1) var<storage, read> codes: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
fn weight_scale(row: u32, quad: u32) -> f32 {
  let at = row * ROW_QUADS + quad;
  return unpack2x16float(scales[at >> 4u] >> ((at & 8u) << 1u)).x;
}
// As in weights/int8.
fn scaled_quad(scale: f32, row: u32, quad: u32, next: u32) -> vec4f {
  let word = codes[row * (ROW_QUADS / 2u) + quad / 2u + next / 2u] >> (((quad + next) & 1u) << 4u);
  return scale * (vec4f(vec4u(word, word >> 4u, word >> 8u, word >> 12u) & vec4u(15u)) - 8.0);
}
fn weight_quad(row: u32, quad: u32) -> vec4f { return scaled_quad(weight_scale(row, quad), row, quad, 0u); }
