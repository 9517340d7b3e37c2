// dk[j, g] = scale * sum_h sum_t p (do . v_j - delta) q[t, h],  dv[j, g] = sum_h sum_t p do[t, h]
// over queries t >= j of j's segment and the GROUP query heads h of key head g.               (flash attention backward)
// A workgroup is one subgroup and computes SUBGROUP x R keys of a key head; its lanes load a query together and share it. Heads and
// then queries are visited in order: no atomics. Constants: HD4 = head size / 4 = PARTS * SUBGROUP, KV, GROUP, R, SUBGROUP, PARTS.
// The arrays are those of dkv.
enable subgroups;
struct Params { scale: f32 }
@group(0) @binding(0) var<storage, read> grad_o: array<vec4f>;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse_delta: array<vec2f>;
@group(0) @binding(5) var<storage, read> spans: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;

const HEADS = KV * GROUP;
const KB = SUBGROUP * R;

@compute @workgroup_size(SUBGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(subgroup_invocation_id) peer: u32,
) {
  let first_key = group.x * KB;
  let live = spans[0].x;
  if (first_key >= live) { return; }
  let last_key = min(first_key + KB, live) - 1u;
  let end_query = spans[1u + last_key].y;
  let kv = group.y;
  let first_own = first_key + lane.x * R;

  // #repeat r R
  let key{r} = min(first_own + {r}u, live - 1u);
  let end{r} = spans[1u + key{r}].y;
  let at{r} = key{r} * KV + kv;
  // #repeat h PARTS
  // #repeat i SUBGROUP
  let k{r}_{h}_{i} = k[at{r} * HD4 + {h}u * SUBGROUP + {i}u] * params.scale;
  let v{r}_{h}_{i} = v[at{r} * HD4 + {h}u * SUBGROUP + {i}u];
  var dk{r}_{h}_{i} = vec4f();
  var dv{r}_{h}_{i} = vec4f();
  // #end
  // #end
  // #end
  for (var head = kv * GROUP; head < (kv + 1u) * GROUP; head++) {
    for (var t = first_key; t < end_query; t++) {
      let stats = lse_delta[t * HEADS + head];
      // #repeat r R
      var s{r} = vec4f();
      var t{r} = vec4f();
      // #end
      // #repeat h PARTS
      let query_quad{h} = q[(t * HEADS + head) * HD4 + {h}u * SUBGROUP + peer];
      let grad_quad{h} = grad_o[(t * HEADS + head) * HD4 + {h}u * SUBGROUP + peer];
      // #repeat i SUBGROUP
      let q{h}_{i} = subgroupBroadcast(query_quad{h}, {i}u);
      let g{h}_{i} = subgroupBroadcast(grad_quad{h}, {i}u);
      // #repeat r R
      s{r} += k{r}_{h}_{i} * q{h}_{i};
      t{r} += v{r}_{h}_{i} * g{h}_{i};
      // #end
      // #end
      // #end
      // #repeat r R
      let p{r} = select(0.0, exp(s{r}.x + s{r}.y + s{r}.z + s{r}.w - stats.x), t >= key{r} && t < end{r});
      let ds{r} = p{r} * (t{r}.x + t{r}.y + t{r}.z + t{r}.w - stats.y);
      // #end
      // #repeat h PARTS
      // #repeat i SUBGROUP
      // #repeat r R
      dv{r}_{h}_{i} += p{r} * g{h}_{i};
      dk{r}_{h}_{i} += ds{r} * q{h}_{i};
      // #end
      // #end
      // #end
    }
  }
  // #repeat r R
  if (first_own + {r}u < live) {
    // #repeat h PARTS
    // #repeat i SUBGROUP
    dk[at{r} * HD4 + {h}u * SUBGROUP + {i}u] = dk{r}_{h}_{i} * params.scale;
    dv[at{r} * HD4 + {h}u * SUBGROUP + {i}u] = dv{r}_{h}_{i};
    // #end
    // #end
  }
  // #end
}
