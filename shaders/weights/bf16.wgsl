// Reads weights in bfloat16 (the upper half of f32), two per word. `at` is the index of four adjacent weights of the matrix, which is stored row by row.
@group(0) @binding(1) var<storage, read> codes: array<vec2u>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
fn weight_quad(at: u32) -> vec4f {
  let pairs = codes[at];
  return bitcast<vec4f>(vec4u(pairs.x << 16u, pairs.x & 0xffff0000u, pairs.y << 16u, pairs.y & 0xffff0000u));
}
// A format without scales: see weights/int8.
fn weight_scale(at: u32) -> f32 { return 1.0; }
fn scaled_quad(scale: f32, at: u32, next: u32) -> vec4f { return weight_quad(at + next); }
