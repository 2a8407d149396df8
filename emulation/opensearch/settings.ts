/** A value of `opensearch.yml`. */
export type Setting = string | number | boolean | readonly string[];

/**
 * Of every node of the harness. `trusted_connector_endpoints_regex` is left at its default on purpose: adding to it is the
 * pipeline's task.
 */
export const NODE_SETTINGS: Readonly<Record<string, Setting>> = {
  "cluster.name": "emulation",
  "node.name": "node-1",
  "discovery.type": "single-node",
  // Unless the node is given a security configuration.
  "plugins.security.disabled": true,
  // A full disk of the laptop must not stop the run.
  "cluster.routing.allocation.disk.threshold_enabled": false,
  "plugins.ml_commons.only_run_on_ml_node": false,
  // The stub endpoints are on this machine, whose address is private.
  "plugins.ml_commons.connector.private_ip_enabled": true,
  "plugins.ml_commons.jvm_heap_memory_threshold": 100,
  "plugins.ml_commons.native_memory_threshold": 100,
};
