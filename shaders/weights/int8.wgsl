// Reads weights in int8: signed bytes, four per word, times the scale of their group of 32. `at` is the index of four adjacent weights of
// the matrix, which is stored row by row in whole groups.
@group(0) @binding(1) var<storage, read> codes: array<u32>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
fn weight_scale(at: u32) -> f32 {
  return unpack2x16float(scales[at >> 4u] >> ((at & 8u) << 1u)).x;
}
// The four at `at + next` by a scale that was read before: kernels that go along a row read a group's scale once.
// `next` is a literal and `at` even where it is not 0, so that compilers see which words are the same.
fn scaled_quad(scale: f32, at: u32, next: u32) -> vec4f {
  let word = bitcast<i32>(codes[at + next]);
  return scale * vec4f(vec4i(word << 24u, word << 16u, word << 8u, word) >> vec4u(24u));
}
fn weight_quad(at: u32) -> vec4f { return scaled_quad(weight_scale(at), at, 0u); }
