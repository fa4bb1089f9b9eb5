import type { PolicyRule } from "../../http/policy.ts";

/** Names and default roles as in Glance (glance/policies). Ownership is the use cases' business. */
export const imageRules: PolicyRule[] = [
  { name: "versions", role: "anyone", description: "List the versions of the image API" },
  { name: "get_schemas", role: "authenticated", description: "Read what images and members look like" },
  { name: "get_info", role: "authenticated", description: "Read what the image service can do" },
  { name: "add_image", role: "member", description: "Create an image" },
  { name: "get_image", role: "reader", description: "Show an image" },
  { name: "get_images", role: "reader", description: "List images" },
  { name: "modify_image", role: "member", description: "Change an image, its tags included" },
  { name: "delete_image", role: "member", description: "Delete an image" },
  { name: "upload_image", role: "member", description: "Upload an image's data" },
  { name: "download_image", role: "member", description: "Download an image's data" },
  { name: "deactivate", role: "member", description: "Deactivate an image" },
  { name: "reactivate", role: "member", description: "Reactivate an image" },
  { name: "add_member", role: "member", description: "Share an image with a project" },
  { name: "get_member", role: "reader", description: "Show a project that an image is shared with" },
  { name: "get_members", role: "reader", description: "List the projects that an image is shared with" },
  { name: "modify_member", role: "member", description: "Accept or reject a shared image" },
  { name: "delete_member", role: "member", description: "Stop sharing an image with a project" },
];
