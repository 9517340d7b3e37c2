// Reads weights in int4: codes 1 to 15 stand for -7 to 7, eight per word, times the scale of their group of 32. `at` is the index of four
// adjacent weights of the matrix, which is stored row by row in whole groups.
@group(0) @binding(1) var<storage, read> codes: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
fn weight_scale(at: u32) -> f32 {
  return unpack2x16float(scales[at >> 4u] >> ((at & 8u) << 1u)).x;
}
// As in weights/int8.
fn scaled_quad(scale: f32, at: u32, next: u32) -> vec4f {
  let word = codes[at / 2u + next / 2u] >> (((at + next) & 1u) << 4u);
  return scale * (vec4f(vec4u(word, word >> 4u, word >> 8u, word >> 12u) & vec4u(15u)) - 8.0);
}
fn weight_quad(at: u32) -> vec4f { return scaled_quad(weight_scale(at), at, 0u); }
