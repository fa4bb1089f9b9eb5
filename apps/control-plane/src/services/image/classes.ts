import { type ResourceClass, pairId, pairOf } from "../../registry/registry.ts";
import { startDeletion } from "./images/delete-image.ts";
import { findImage, listProjectImages } from "./images/image.queries.ts";
import { toImageView } from "./images/image.view.ts";
import { deleteImageQuota, findImageQuota } from "./images/upload.queries.ts";
import { deleteMember, findMember, listMemberships } from "./members/member.queries.ts";
import { removeNamespace } from "./metadefs/change-metadefs.ts";
import { findNamespaceById, listItems, listNamespacesOfProject } from "./metadefs/metadef.queries.ts";
import { toNamespaceView } from "./metadefs/metadef.view.ts";
import { toMemberView } from "./members/member.view.ts";

export const imageClasses: ResourceClass[] = [
  {
    name: "image.image",
    table: "image",
    ownerColumn: "project_id",
    deleteOrder: 60,
    meters: [{ name: "image.size", unit: "GiB-hour" }],
    verbs: ["create", "update", "delete", "upload", "stage", "import", "deactivate", "reactivate"],
    list: (app, projectId) => listProjectImages(app.db, projectId),
    async remove(_app, tx, id) {
      const image = await findImage(tx.sql, id);
      // a purge goes over `protected` too: it is the project that ends
      if (image !== null) await startDeletion(tx, image);
    },
    async export(app, id) {
      const image = await findImage(app.db, id);
      return image === null ? null : toImageView(image);
    },
  },
  {
    // what a project was given to see: goes with the image, or with the project that was given it
    name: "image.member",
    table: "image_member",
    ownerColumn: "member_id",
    deleteOrder: 10,
    meters: [],
    verbs: ["create", "update", "delete"],
    list: async (app, projectId) =>
      (await listMemberships(app.db, projectId)).map(({ imageId, memberId }) => pairId(imageId, memberId)),
    async remove(_app, tx, id) {
      const [imageId, memberId] = pairOf(id);
      if (!(await deleteMember(tx.sql, imageId, memberId))) return;
      tx.event({
        action: "image.member.delete",
        target: { type: "image", id: imageId, projectId: memberId },
        detail: { memberId },
      });
    },
    async export(app, id) {
      const member = await findMember(app.db, ...pairOf(id));
      return member === null ? null : toMemberView(member);
    },
  },
  {
    name: "image.metadef_namespace",
    table: "metadef_namespace",
    ownerColumn: "project_id",
    deleteOrder: 70,
    meters: [],
    verbs: ["create", "update", "delete"],
    list: (app, projectId) => listNamespacesOfProject(app.db, projectId),
    async remove(_app, tx, name) {
      const space = await findNamespaceById(tx.sql, name);
      if (space !== null) await removeNamespace(tx, space);
    },
    async export(app, name) {
      const space = await findNamespaceById(app.db, name);
      return space === null ? null : toNamespaceView(space, await listItems(app.db, [name], null), { whole: true });
    },
  },
  {
    name: "image.quota",
    table: "image_quota",
    ownerColumn: "project_id",
    // after the images: an upload makes the row
    deleteOrder: 70,
    meters: [],
    verbs: ["delete"],
    list: async (app, projectId) => ((await findImageQuota(app.db, projectId)) === null ? [] : [projectId]),
    async remove(_app, tx, projectId) {
      await deleteImageQuota(tx.sql, projectId);
      tx.event({ action: "image.quota.delete", target: { type: "quota", id: projectId, projectId } });
    },
    async export(app, projectId) {
      const quota = await findImageQuota(app.db, projectId);
      return quota === null ? null : { max_bytes: quota.maxBytes };
    },
  },
];
