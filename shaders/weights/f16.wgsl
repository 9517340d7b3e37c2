// IEEE half precision, two to a word; needs no shader-f16. ROW_QUADS: fours in a row.
@group(0) @binding(1) var<storage, read> codes: array<vec2u>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
fn weight_quad(row: u32, quad: u32) -> vec4f {
  let pairs = codes[row * ROW_QUADS + quad];
  return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
}
// A format without scales: see weights/int8.
fn weight_scale(row: u32, quad: u32) -> f32 { return 1.0; }
fn scaled_quad(scale: f32, row: u32, quad: u32, next: u32) -> vec4f { return weight_quad(row, quad + next); }
