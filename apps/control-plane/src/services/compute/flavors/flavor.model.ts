/** A size of server. */
export type Flavor = {
  id: string;
  name: string;
  vcpus: number;
  ramMib: number;
  diskGib: number;
  ephemeralGib: number;
  swapMib: number;
  rxtxFactor: number;
  isPublic: boolean;
  disabled: boolean;
  description: string | null;
  extraSpecs: { [key: string]: string };
  createdAt: Date;
  updatedAt: Date | null;
};

/** Wire names a list may be sorted by -> columns. */
export const FLAVOR_SORT = {
  created_at: "created_at",
  description: "description",
  disabled: "disabled",
  ephemeral_gb: "ephemeral_gib",
  flavorid: "id",
  id: "id",
  is_public: "is_public",
  memory_mb: "ram_mib",
  name: "name",
  root_gb: "disk_gib",
  rxtx_factor: "rxtx_factor",
  swap: "swap_mib",
  updated_at: "updated_at",
  vcpu_weight: "vcpus",
  vcpus: "vcpus",
} as const;
export type FlavorSortKey = keyof typeof FLAVOR_SORT;
