// dq[t, h] = scale * sum_j p_j (do . v_j - delta) k_j,  p_j = exp(q . k_j * scale - lse)      (flash attention backward)
// It is tiled as subgroup_attention is. Constants: HD4 = head size / 4 = PARTS * SUBGROUP, KV, GROUP, R, SUBGROUP, PARTS.
// The arrays are those of dq.
enable subgroups;
struct Params { scale: f32 }
@group(0) @binding(0) var<storage, read> grad_o: array<vec4f>;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse_delta: array<vec2f>;
@group(0) @binding(5) var<storage, read> spans: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(7) var<uniform> params: Params;

const HEADS = KV * GROUP;
const QB = SUBGROUP * R;

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(subgroup_invocation_id) peer: u32,
) {
  let first_query = group.x * QB;
  let live = spans[0].x;
  if (first_query >= live) { return; }
  let last_query = min(first_query + QB, live) - 1u;
  let first_key = spans[1u + first_query].x;
  let head = group.y;
  let kv = head / GROUP;
  let query = first_query + lane.x * R;

  // #repeat r R
  let row{r} = min(query + {r}u, live - 1u);
  let start{r} = spans[1u + row{r}].x;
  let at{r} = row{r} * HEADS + head;
  let stats{r} = lse_delta[at{r}];
  // #repeat h PARTS
  // #repeat i SUBGROUP
  let q{r}_{h}_{i} = q[at{r} * HD4 + {h}u * SUBGROUP + {i}u] * params.scale;
  let g{r}_{h}_{i} = grad_o[at{r} * HD4 + {h}u * SUBGROUP + {i}u];
  var acc{r}_{h}_{i} = vec4f();
  // #end
  // #end
  // #end
  for (var key = first_key; key <= last_query; key++) {
    // #repeat r R
    var s{r} = vec4f();
    var t{r} = vec4f();
    // #end
    // #repeat h PARTS
    let key_quad{h} = k[(key * KV + kv) * HD4 + {h}u * SUBGROUP + peer];
    let value_quad{h} = v[(key * KV + kv) * HD4 + {h}u * SUBGROUP + peer];
    // #repeat i SUBGROUP
    let k{h}_{i} = subgroupBroadcast(key_quad{h}, {i}u);
    let v{h}_{i} = subgroupBroadcast(value_quad{h}, {i}u);
    // #repeat r R
    s{r} += q{r}_{h}_{i} * k{h}_{i};
    t{r} += g{r}_{h}_{i} * v{h}_{i};
    // #end
    // #end
    // #end
    // #repeat r R
    let p{r} = exp(s{r}.x + s{r}.y + s{r}.z + s{r}.w - stats{r}.x);
    let ds{r} = select(0.0, p{r} * (t{r}.x + t{r}.y + t{r}.z + t{r}.w - stats{r}.y), key >= start{r} && key <= row{r});
    // #end
    // #repeat h PARTS
    // #repeat i SUBGROUP
    // #repeat r R
    acc{r}_{h}_{i} += ds{r} * k{h}_{i};
    // #end
    // #end
    // #end
  }
  // #repeat r R
  if (query + {r}u < live) {
    // #repeat h PARTS
    // #repeat i SUBGROUP
    dq[at{r} * HD4 + {h}u * SUBGROUP + {i}u] = acc{r}_{h}_{i} * params.scale;
    // #end
    // #end
  }
  // #end
}
