/**
 * What OpenStack has and this cloud leaves out, and why. `paths`: how their routes begin, below the service's mount; the
 * generator refuses to run when one of them is served after all.
 */
export type Absent = { service: string; what: string; paths: string[]; why: string };

export const ABSENT: Absent[] = [
  {
    service: "identity",
    what: "Federation: OS-FEDERATION, mapped and SAML sign-in",
    paths: ["/v3/OS-FEDERATION"],
    why: "No identity provider is connected yet; accounts are kept here. A web sign-on comes with the console.",
  },
  {
    service: "identity",
    what: "OAuth 1.0a and OAuth 2.0: OS-OAUTH1, OS-OAUTH2",
    paths: ["/v3/OS-OAUTH1", "/v3/OS-OAUTH2"],
    why: "Application credentials and trusts delegate, with expiry and access rules, without a second protocol.",
  },
  {
    service: "identity",
    what: "Policies as resources: /v3/policies, OS-ENDPOINT-POLICY",
    paths: ["/v3/policies", "/v3/OS-ENDPOINT-POLICY"],
    why: "Deprecated in Keystone. Rules are part of the program, and listed in api/policy.md.",
  },
  {
    service: "identity",
    what: "Filters of endpoints by project (OS-EP-FILTER), and a configuration for each domain",
    paths: ["/v3/OS-EP-FILTER", "/v3/domains/:domain_id/config", "/v3/domains/config"],
    why: "Every project is offered the same services; no domain keeps its accounts elsewhere.",
  },
  {
    service: "image",
    what: "Image locations that clients write (locations, import method copy-image)",
    paths: ["/v2/images/:image_id/locations"],
    why: "There is one store, and what is in it was received and inspected here. The cache API answers as Glance without a cache: 404.",
  },
  {
    service: "compute",
    what: "nova-network's own resources, cells, agents, certificates, cloudpipe",
    paths: ["/v2.1/os-baremetal-nodes"],
    why: "Removed from Nova; what it still answers there (410 Gone), we answer too.",
  },
  {
    service: "compute",
    what: "Microversions 2.94 and later",
    paths: [],
    why: "The guideline's newest release is Zed, which serves 2.93; a later one is refused with 406, as there.",
  },
  {
    service: "network",
    what: "VPN, firewall and dynamic routing as a service, BGP",
    paths: ["/v2.0/vpn", "/v2.0/fwaas", "/v2.0/bgp"],
    why: "Not part of OVN as we run it; a VPN is a server with a floating IP.",
  },
  {
    service: "network",
    what: "Load balancing by Neutron's retired API",
    paths: ["/v2.0/lbaas"],
    why: "Retired for Octavia's API, which is another service.",
  },
  {
    service: "volume",
    what: "Taking over and giving up volumes of a back end: manage, unmanage",
    paths: ["/v3/:project_id/manageable_volumes", "/v3/:project_id/manageable_snapshots"],
    why: "Every volume is encrypted under a key of its own; one made elsewhere has none. Import it through an image.",
  },
  {
    service: "volume",
    what: "Levels of a service's log, and fail-over to a replica: set-log, get-log, failover_host, failover",
    paths: ["/v3/os-services/set-log", "/v3/os-services/get-log", "/v3/os-services/failover"],
    why: "The level is in a program's configuration. Nothing is replicated: a back end that is, Ceph, looks after that itself.",
  },
  {
    service: "volume",
    what: "Clusters, workers, consistency groups of version 2",
    paths: ["/v3/:project_id/clusters", "/v3/:project_id/workers", "/v3/:project_id/consistencygroups"],
    why: "There is no volume process to cluster: any control plane does the work. Groups replaced consistency groups.",
  },
];
