import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { type Cloud, useCloud } from "../support/cloud.ts";
import { FUSE } from "../support/debian.ts";
import { type Customer, NAME, forget, makeCustomer } from "./account.ts";

/** Names that clients and stores have stumbled over. */
const ODD_NAMES = [
  "plain.txt",
  "with space",
  "añó ☃.bin",
  "plus+and&amp;",
  "per%20cent",
  "a'quote",
  "deep/er/and/deeper",
  "~tilde",
  "[brackets]",
];

describe("object storage, by Debian's own clients", () => {
  let cloud: Cloud;
  let customer: Customer;

  before(async () => {
    cloud = await useCloud();
    await removeEarlier();
    customer = await makeCustomer(cloud);
    makeTree(join(customer.directory, "tree"));
  });

  after(async () => {
    if (customer !== undefined) await forget(customer);
  });

  /** What an interrupted run left. */
  async function removeEarlier(): Promise<void> {
    const projects: { ID: string; Name: string }[] = await cloud.operator("project", "list", "-f", "json");
    for (const { ID } of projects.filter((one) => one.Name === NAME))
      await cloud.andromede("project", "purge", ID, "--yes");
    const users: { ID: string; Name: string }[] = await cloud.operator(
      "user",
      "list",
      "--domain",
      "default",
      "-f",
      "json",
    );
    for (const { ID } of users.filter((one) => one.Name === NAME)) await cloud.operator("user", "delete", ID);
  }

  function makeTree(directory: string): void {
    for (const [index, name] of ODD_NAMES.entries()) {
      const file = join(directory, name);
      mkdirSync(join(file, ".."), { recursive: true });
      writeFileSync(file, randomBytes(index * 17_000));
    }
    writeFileSync(join(directory, "large.bin"), randomBytes(17 * 1024 * 1024 + 13));
    writeFileSync(join(directory, "empty"), "");
  }

  for (const remote of ["s3", "swift"]) {
    it(`rclone (${remote}): a tree there and back, a large object in parts, and all of it gone`, async () => {
      const place = `${remote}:rclone-${remote}`;
      await customer.shell(`
        unset AWS_CA_BUNDLE
        rclone mkdir ${place}
        rclone copy tree ${place}/tree
        rclone check tree ${place}/tree --download
        test "$(rclone lsf -R --files-only ${place} | wc -l)" = ${ODD_NAMES.length + 2}
        echo changed > tree/plain.txt; rm -f 'tree/a'\\''quote'
        rclone sync tree ${place}/tree
        rclone check tree ${place}/tree
        rm -rf back; rclone copy ${place}/tree back
        diff -r tree back
        rclone moveto ${place}/tree/large.bin ${place}/moved.bin
        rclone cat ${place}/moved.bin | cmp - tree/large.bin
        rclone purge ${place}
        ! rclone lsf ${place} 2>/dev/null
      `);
      writeFileSync(join(customer.directory, "tree", "a'quote"), "again");
    });
  }

  it("s3cmd: puts in parts, lists, tells, opens to everybody, synchronises, deletes", async () => {
    await customer.shell(`
      s3cmd mb s3://s3cmd-bucket
      s3cmd put tree/large.bin s3://s3cmd-bucket/large.bin --mime-type=application/x-large
      s3cmd info s3://s3cmd-bucket/large.bin > info; grep -q application/x-large info
      s3cmd ls s3://s3cmd-bucket > ls; grep -q large.bin ls
      s3cmd get --force s3://s3cmd-bucket/large.bin large.back && cmp large.back tree/large.bin
      s3cmd setacl --acl-public s3://s3cmd-bucket/large.bin
      python3 -c "import ssl,urllib.request,os;urllib.request.urlopen(os.environ['ENDPOINT']+'/s3cmd-bucket/large.bin',context=ssl.create_default_context(cafile=os.environ['AWS_CA_BUNDLE'])).read(10)"
      s3cmd setacl --acl-private s3://s3cmd-bucket/large.bin
      ! python3 -c "import ssl,urllib.request,os;urllib.request.urlopen(os.environ['ENDPOINT']+'/s3cmd-bucket/large.bin',context=ssl.create_default_context(cafile=os.environ['AWS_CA_BUNDLE'])).read(10)" 2>/dev/null
      s3cmd sync tree/ s3://s3cmd-bucket/tree/
      s3cmd sync --skip-existing s3://s3cmd-bucket/tree/ s3cmd-back/ && diff -r tree s3cmd-back
      s3cmd cp s3://s3cmd-bucket/tree/plain.txt s3://s3cmd-bucket/copy
      s3cmd rb --recursive --force s3://s3cmd-bucket
    `);
  });

  it("awscli: copies, a presigned address, versions, tags, lifecycle, policy", async () => {
    await customer.shell(`
      aws() { command aws --endpoint-url "$ENDPOINT" "$@"; }
      aws s3 mb s3://awscli-bucket
      aws s3 cp tree/large.bin s3://awscli-bucket/large.bin
      aws s3 cp s3://awscli-bucket/large.bin - | cmp - tree/large.bin
      aws s3 sync tree s3://awscli-bucket/tree --only-show-errors
      rm -rf aws-back; aws s3 sync s3://awscli-bucket/tree aws-back --only-show-errors; diff -r tree aws-back
      address=$(aws s3 presign s3://awscli-bucket/large.bin --expires-in 60)
      python3 -c "import ssl,sys,urllib.request,os;sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1],context=ssl.create_default_context(cafile=os.environ['AWS_CA_BUNDLE'])).read())" "$address" | cmp - tree/large.bin
      aws s3api put-bucket-versioning --bucket awscli-bucket --versioning-configuration Status=Enabled
      test "$(aws s3api get-bucket-versioning --bucket awscli-bucket --query Status --output text)" = Enabled
      aws s3api put-object-tagging --bucket awscli-bucket --key large.bin --tagging 'TagSet=[{Key=a,Value=b}]'
      test "$(aws s3api get-object-tagging --bucket awscli-bucket --key large.bin --query 'TagSet[0].Value' --output text)" = b
      aws s3api put-bucket-lifecycle-configuration --bucket awscli-bucket --lifecycle-configuration '{"Rules":[{"ID":"old","Status":"Enabled","Filter":{"Prefix":"tmp/"},"Expiration":{"Days":1}}]}'
      test "$(aws s3api get-bucket-lifecycle-configuration --bucket awscli-bucket --query 'Rules[0].Expiration.Days' --output text)" = 1
      aws s3api put-bucket-cors --bucket awscli-bucket --cors-configuration '{"CORSRules":[{"AllowedOrigins":["*"],"AllowedMethods":["GET"]}]}'
      aws s3api put-bucket-policy --bucket awscli-bucket --policy '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::awscli-bucket/tree/plain.txt"}]}'
      python3 -c "import ssl,urllib.request,os;urllib.request.urlopen(os.environ['ENDPOINT']+'/awscli-bucket/tree/plain.txt',context=ssl.create_default_context(cafile=os.environ['AWS_CA_BUNDLE'])).read()"
      aws s3api delete-bucket-policy --bucket awscli-bucket
      aws s3 rm s3://awscli-bucket --recursive --only-show-errors
      aws s3api list-object-versions --bucket awscli-bucket --query '[Versions,DeleteMarkers][].{Key:Key,VersionId:VersionId}' --output json > all.json
      python3 -c "import json;print(json.dumps({'Objects':json.load(open('all.json'))[:1000],'Quiet':True}))" > gone.json
      aws s3api delete-objects --bucket awscli-bucket --delete file://gone.json
      aws s3 rb s3://awscli-bucket
    `);
  });

  it("boto3: conditions, checksums, parts, versions, locks, the customer's own key, forms", async () => {
    copyFileSync(join(import.meta.dirname, "clients.py"), join(customer.directory, "clients.py"));
    assert.match(await customer.client(["python3", "clients.py"]), /all well/);
  });

  for (const [remote, repository] of [
    ["s3", "s3:$ENDPOINT/restic-s3"],
    ["swift", "swift:restic-swift:/backups"],
  ]) {
    it(`restic (${remote}): backs up, checks every byte, restores the same, tells what changed`, async () => {
      await customer.shell(
        `
        export RESTIC_REPOSITORY="${repository}" RESTIC_PASSWORD=secret RESTIC_CACERT="$AWS_CA_BUNDLE"
        restic init --quiet
        restic backup --quiet tree
        echo more > tree/more-${remote}; restic backup --quiet tree
        restic check --quiet --read-data
        rm -rf restored; restic restore --quiet latest --target restored
        diff -r tree restored/tree
        ids=$(restic snapshots --json | python3 -c "import json,sys;print(*[one['short_id'] for one in json.load(sys.stdin)])")
        restic diff $ids > changes; grep -q '+.*more' changes
        restic forget --quiet --keep-last 1 --prune
      `,
        { RESTIC_CACHE_DIR: join(customer.directory, `restic-${remote}`) },
      );
    });
  }

  it("swift: segmented uploads, static and dynamic, metadata, listings, temporary addresses, and the end", async () => {
    await customer.shell(`
      swift post thing -m Colour:blue
      swift upload thing tree --object-name tree
      swift upload thing tree/large.bin --object-name slo --segment-size 6000000 --use-slo
      swift upload thing tree/large.bin --object-name dlo --segment-size 6000000
      swift stat thing > stat; grep -q 'Meta Colour: blue' stat
      swift stat thing slo > stat; grep -q 'Content Length: 17825805' stat
      for name in slo dlo; do swift download thing $name --output $name.back; cmp $name.back tree/large.bin; done
      swift post thing slo -m Taste:sweet; swift stat thing slo > stat; grep -q 'Meta Taste: sweet' stat
      test "$(swift list thing --prefix tree/ | wc -l)" = "$(find tree -type f | wc -l)"
      swift list thing --delimiter / > list; grep -qx tree/ list
      swift copy thing slo --destination /thing/copied --fresh-metadata
      swift post -m Temp-URL-Key:secret
      path=$(swift tempurl GET 60 "/v1/AUTH_${customer.projectId}/thing/tree/plain.txt" secret --digest sha256)
      python3 -c "import ssl,sys,urllib.request,os;sys.stdout.buffer.write(urllib.request.urlopen(os.environ['ENDPOINT']+sys.argv[1],context=ssl.create_default_context(cafile=os.environ['AWS_CA_BUNDLE'])).read())" "$path" | cmp - tree/plain.txt
      swift delete thing; swift delete thing_segments
    `);
  });

  it("duplicity: a full and an incremental backup, verified and restored", async () => {
    await customer.shell(
      `
      target="boto3+s3://duplicity-bucket/backups"
      aws --endpoint-url "$ENDPOINT" s3 mb s3://duplicity-bucket
      duplicity full --no-encryption --s3-endpoint-url "$ENDPOINT" --volsize 5 tree "$target"
      echo later > tree/later
      duplicity incremental --no-encryption --s3-endpoint-url "$ENDPOINT" tree "$target"
      duplicity verify --compare-data --no-encryption --s3-endpoint-url "$ENDPOINT" "$target" tree
      rm -rf duplicity-back; duplicity restore --no-encryption --s3-endpoint-url "$ENDPOINT" "$target" duplicity-back
      diff -r tree duplicity-back
    `,
    );
  });

  const S3FS = `
      aws() { command aws --endpoint-url "$ENDPOINT" "$@"; }
      (umask 077; echo "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" > passwd-s3fs)
      options=(-o passwd_file=$PWD/passwd-s3fs -o url=$ENDPOINT -o use_path_request_style -o endpoint=RegionOne -o multipart_size=5)
  `;

  it("s3fs without a file system: uploads that nobody completed are listed and aborted", async () => {
    await customer.shell(`${S3FS}
      aws s3 mb s3://s3fs-bucket
      aws s3api create-multipart-upload --bucket s3fs-bucket --key half/done
      s3fs --incomplete-mpu-list s3fs-bucket "\${options[@]}" > uploads; grep -q half/done uploads
      s3fs --incomplete-mpu-abort=all -o dbglevel=err s3fs-bucket "\${options[@]}"
      test "$(aws s3api list-multipart-uploads --bucket s3fs-bucket --query 'length(Uploads || \`[]\`)')" = 0
    `);
  });

  it("s3fs: a bucket is a directory, and what is done in it is done", async (context) => {
    if (!existsSync(FUSE)) {
      context.diagnostic(`this machine has no ${FUSE}: nothing was mounted`);
      return;
    }
    const mount = `
      mkdir -p mnt
      mounted() { s3fs s3fs-bucket mnt "\${options[@]}"; }
      trap 'umount -l mnt 2>/dev/null || true' EXIT
    `;
    await customer.shell(
      `${S3FS}${mount}
      mounted
      cp tree/large.bin mnt/large.bin
      mkdir mnt/directory mnt/gone
      for name in 'with space' 'añó ☃.bin' plain.txt empty; do cp "tree/$name" "mnt/directory/$name"; done
      mv mnt/large.bin mnt/directory/renamed.bin
      echo appended >> mnt/directory/plain.txt
      truncate -s 100 'mnt/directory/with space'
      chmod 640 mnt/directory/plain.txt
      ln -s plain.txt mnt/directory/link
      rmdir mnt/gone; cp tree/empty mnt/removed; rm mnt/removed
      umount mnt
      # nothing of this is remembered: all of it is asked for anew
      mounted
      cmp mnt/directory/renamed.bin tree/large.bin
      test "$(sha256sum < 'mnt/directory/añó ☃.bin')" = "$(sha256sum < 'tree/añó ☃.bin')"
      cat tree/plain.txt <(echo appended) | cmp - mnt/directory/plain.txt
      head -c 100 'tree/with space' | cmp - 'mnt/directory/with space'
      test "$(stat -c %a mnt/directory/plain.txt)" = 640
      test "$(readlink mnt/directory/link)" = plain.txt
      test "$(ls mnt)" = directory
      ls mnt/directory > ls; test "$(wc -l < ls)" = 6
      dd if=mnt/directory/renamed.bin bs=1 skip=9000000 count=1000 status=none | cmp - <(tail -c +9000001 tree/large.bin | head -c 1000)
      # through Swift it is the same, there and back
      swift download s3fs-bucket directory/renamed.bin --output renamed && cmp renamed tree/large.bin
      swift upload s3fs-bucket tree/large.bin --object-name directory/by-swift
      cmp mnt/directory/by-swift tree/large.bin
      rm -r mnt/directory; test -z "$(ls mnt)"
      umount mnt
      test -z "$(swift list s3fs-bucket)"
    `,
      {},
      { mayMount: true },
    );
  });

  it("what one API wrote the other reads", async () => {
    const body = randomBytes(70_000);
    writeFileSync(join(customer.directory, "both"), body);
    await customer.shell(`
      aws() { command aws --endpoint-url "$ENDPOINT" "$@"; }
      aws s3 mb s3://both-apis
      aws s3api put-object --bucket both-apis --key by/s3 --body both --metadata colour=blue --content-type text/x-both
      swift download both-apis by/s3 --output by-s3 && cmp by-s3 both
      swift stat both-apis by/s3 > stat; grep -q 'Meta Colour: blue' stat; grep -q text/x-both stat
      grep -q ${createHash("md5").update(body).digest("hex")} stat
      swift upload both-apis both --object-name by/swift -H 'X-Object-Meta-Taste: sweet'
      aws s3 cp s3://both-apis/by/swift by-swift && cmp by-swift both
      test "$(aws s3api head-object --bucket both-apis --key by/swift --query Metadata.taste --output text)" = sweet
      test "$(swift list both-apis | tr '\\n' ' ')" = "by/s3 by/swift "
    `);
  });

  it("a project that is purged leaves nothing, neither rows nor bytes", async () => {
    await cloud.andromede("project", "purge", customer.projectId, "--yes");
    const rows = `select count(*) from object_container where project_id = '${customer.projectId}'`;
    assert.equal(Number(await cloud.sql(rows)), 0);
    assert.equal(
      Number(
        await cloud.sql(
          "select count(*) from object o where not exists (select 1 from object_container c where c.id = o.container_id)",
        ),
      ),
      0,
    );
    assert.equal(
      Number(await cloud.sql(`select count(*) from object_account where project_id = '${customer.projectId}'`)),
      0,
    );
  });
});
