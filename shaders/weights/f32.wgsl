// Reads weights in f32. `at` is the index of four adjacent weights of the matrix, which is stored row by row.
@group(0) @binding(1) var<storage, read> codes: array<vec4f>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
fn weight_quad(at: u32) -> vec4f {
  return codes[at];
}
// A format without scales: see weights/int8.
fn weight_scale(at: u32) -> f32 { return 1.0; }
fn scaled_quad(scale: f32, at: u32, next: u32) -> vec4f { return weight_quad(at + next); }
