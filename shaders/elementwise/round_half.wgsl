// y = x rounded to IEEE half precision, to nearest even: what a cache in f16 would give back. Four values to an invocation.
// x, y: [4 count].
// #include "flat"
// #include "half"
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  if (index >= params.count) { return; }
  let quad = x[index];
  let low = unpack2x16float(f16_bits(quad.x) | (f16_bits(quad.y) << 16u));
  let high = unpack2x16float(f16_bits(quad.z) | (f16_bits(quad.w) << 16u));
  y[index] = vec4f(low, high);
}
