/** `AccessControlPolicy`: ACLs as XML. */
import { type Grant, PERMISSIONS, type Permission, checkProject, groupOf, groupUri } from "../authorize/acl.model.ts";
import { s3Error } from "../errors.ts";
import { type XmlElement, child, childText, childrenOf } from "../xml/parse.ts";
import { escapeXml, tag, wrap, xmlDocument } from "../xml/write.ts";

const MAX_GRANTS = 100;
const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

/** A canonical user: a project. */
export const ownerXml = (project: string, element = "Owner"): string =>
  wrap(element, tag("ID", project) + tag("DisplayName", project));

const granteeXml = (grant: Grant): string =>
  "project" in grant
    ? `<Grantee ${XSI} xsi:type="CanonicalUser">${tag("ID", grant.project)}${tag("DisplayName", grant.project)}</Grantee>`
    : `<Grantee ${XSI} xsi:type="Group"><URI>${escapeXml(groupUri(grant.group))}</URI></Grantee>`;

/** `grants` null: all is the owner's. */
export function aclDocument(owner: string, grants: readonly Grant[] | null): string {
  const all: readonly Grant[] = grants ?? [{ project: owner, permission: "FULL_CONTROL" }];
  return xmlDocument("AccessControlPolicy", ownerXml(owner) + wrap("AccessControlList", all.map(grantXml).join("")));
}

export const grantXml = (grant: Grant): string =>
  wrap("Grant", granteeXml(grant) + tag("Permission", grant.permission));

/** A `Grant` element. */
export function parseGrant(element: XmlElement): Grant {
  const grantee = child(element, "Grantee");
  const permission = childText(element, "Permission");
  if (grantee === undefined || !PERMISSIONS.includes(permission as Permission)) throw s3Error("MalformedACLError");
  const granted = permission as Permission;
  const uri = childText(grantee, "URI");
  if (uri !== undefined) return { group: groupOf(uri), permission: granted };
  if (child(grantee, "EmailAddress") !== undefined) throw s3Error("UnresolvableGrantByEmailAddress");
  const id = childText(grantee, "ID");
  if (id === undefined) throw s3Error("MalformedACLError");
  return { project: checkProject(id), permission: granted };
}

/** The owner it names must be the owner that is: ownership is not given away so. */
export function parseAcl(root: XmlElement, owner: string): Grant[] {
  const list = child(root, "AccessControlList");
  if (root.name !== "AccessControlPolicy" || list === undefined) throw s3Error("MalformedACLError");
  const named = child(root, "Owner");
  const id = named === undefined ? undefined : childText(named, "ID");
  if (id === undefined) throw s3Error("MalformedACLError");
  if (id !== owner) throw s3Error("AccessDenied");
  const grants = childrenOf(list, "Grant");
  if (grants.length > MAX_GRANTS)
    throw s3Error("InvalidRequest", "The request included more grants than the maximum of 100");
  return grants.map(parseGrant);
}
