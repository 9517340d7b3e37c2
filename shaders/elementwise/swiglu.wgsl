// y[i] = silu(gate[i]) * up[i],  silu(g) = g / (1 + exp(-g))                        (Shazeer 2020, SwiGLU)
// gate, up, y: [4 count].
// #include "flat"
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> gate: array<vec4f>;
@group(0) @binding(1) var<storage, read> up: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let i = flat_workgroup(group, groups) * 64u + lane.x;
  if (i >= params.count) { return; }
  let g = gate[i];
  y[i] = g / (1.0 + exp(min(-g, vec4f(80.0)))) * up[i];
}
