// bfloat16, two to a word: the upper halves of f32. ROW_QUADS: fours in a row.
@group(0) @binding(1) var<storage, read> codes: array<vec2u>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
fn weight_quad(row: u32, quad: u32) -> vec4f {
  let pairs = codes[row * ROW_QUADS + quad];
  return bitcast<vec4f>(vec4u(pairs.x << 16u, pairs.x & 0xffff0000u, pairs.y << 16u, pairs.y & 0xffff0000u));
}
// A format without scales: see weights/int8.
fn weight_scale(row: u32, quad: u32) -> f32 { return 1.0; }
fn scaled_quad(scale: f32, row: u32, quad: u32, next: u32) -> vec4f { return weight_quad(row, quad + next); }
