// lse_delta[t, h] = (lse[t, h], sum_d do[t, h, d] * o[t, h, d])                                     (flash attention backward, first pass)
// hd4: head size / 4.
// do, o: [T, heads * head size]; lse: [T, heads]; lse_delta: [T, heads, 2].
// #include "flat"
struct Params { rows: u32, heads: u32, hd4: u32 }
@group(0) @binding(0) var<storage, read> grad_o: array<vec4f>;
@group(0) @binding(1) var<storage, read> o: array<vec4f>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse_delta: array<vec2f>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let index = flat_workgroup(group, groups) * 64u + lane.x;
  if (index >= params.rows * params.heads) { return; }
  var sum = 0.0;
  let first = index * params.hd4;
  for (var d = first; d < first + params.hd4; d++) { sum += dot(grad_o[d], o[d]); }
  lse_delta[index] = vec2f(lse[index], sum);
}
