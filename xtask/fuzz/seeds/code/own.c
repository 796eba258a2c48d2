#include <linux/fs.h>

#define TWICE(x) \
	((x) * 2)

struct own {
	int count;
	unsigned long flags;
	char name[16];
};

static const struct own all[] = {
	{ .count = 1, .flags = 1UL << 3 },
};

/* A comment with { and "quotes" */
static int own_end(struct own *own, int err, ssize_t pos)
{
	ssize_t bytes = pos;

	spin_lock(&own->lock);
	if (err && !own->err)
		own->err = err;
	else if (pos >= 0 && (own->bytes < 0 || pos < own->bytes))
		own->bytes = pos;
	spin_unlock(&own->lock);

	for (bytes = 0; bytes <= 10; bytes++) {
		switch (own->count) {
		case 0:
			break;
		default:
			own->count -= TWICE(bytes);
			continue;
		}
	}
	if (own->flags & 0x8 || 'x' == own->name[0])
		goto out;
	return -EIO;
out:
	kref_put(&own->refcnt, own_release);
	return own->err ? own->err : own->bytes;
}
