// codes[i] = w[2 i], w[2 i + 1] rounded to nearest even in 16 bits each. Inverse: weights/bf16 and weights/f16.
// Rounded bit by bit: pack2x16float may round either way. Constants: BRAIN (1 bf16, 0 f16).
// w: [count]; codes: [count / 2] words.
// #include "flat"
struct Params { words: u32 }
@group(0) @binding(0) var<storage, read> w: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> codes: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;
// #include "half"

fn bf16_bits(value: f32) -> u32 {
  let x = bitcast<u32>(value);
  return select((x + 0x7fffu + ((x >> 16u) & 1u)) >> 16u, (x >> 16u) | 0x40u, (x & 0x7fffffffu) > 0x7f800000u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let at = flat_workgroup(group, groups) * 64u + lane.x;
  if (at >= params.words) { return; }
  let pair = w[at];
  if (BRAIN == 1u) { codes[at] = bf16_bits(pair.x) | (bf16_bits(pair.y) << 16u); }
  else { codes[at] = f16_bits(pair.x) | (f16_bits(pair.y) << 16u); }
}
