// Workgroups folded to 2-D (op.ts `fold`) back to one index.
fn flat_workgroup(id: vec3u, count: vec3u) -> u32 {
  return id.x + id.y * count.x;
}
