// Who may look for names: of an ordinary user each directory on the way is asked, also where those below it are known.
#include "try.h"
#include <fcntl.h>
#include <sys/stat.h>

static void modes(const char *path, const char *below) {
  static const int all[] = {0755, 0644, 0600, 0700, 0, 0111, 0100, 0011, 0755};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    struct stat st;
    TRY(chmod(path, all[i]));
    printf("%o:\n", all[i]);
    TRY(stat(below, &st));
    TRY0(open(below, O_RDONLY));
    TRY0(open("dir/sub/none", O_RDONLY));
    TRY0(open("dir/sub/none", O_RDWR | O_CREAT, 0644));
    TRY(unlink("dir/sub/none"));
    TRY(access("dir", F_OK));
    TRY(mkdir("dir/sub/more", 0755));
    TRY(rmdir("dir/sub/more"));
    TRY(chmod("dir/sub/file", 0644));
    TRY(rename("dir/sub/file", "dir/sub/other"));
    TRY(rename("dir/sub/other", "dir/sub/file"));
    TRY(link("dir/sub/file", "dir/sub/second"));
    TRY(unlink("dir/sub/second"));
    TRY(chmod(path, 0755));
  }
}

// Whoever may not read a directory may replace it, if it is empty.
static void replaced(void) {
  TRY(mkdir("old", 0755));
  TRY(mkdir("new", 0));
  TRY(rename("old", "new"));
  TRY(mkdir("full", 0755));
  close(open("full/file", O_CREAT | O_WRONLY, 0644));
  TRY(chmod("full", 0));
  TRY(rename("new", "full"));
  TRY(chmod("full", 0755));
  TRY(rename("new", "full"));
}

int main(void) {
  mkdir("top", 0755);
  TRY(chdir("top"));
  replaced();
  mkdir("dir", 0755);
  mkdir("dir/sub", 0755);
  close(open("dir/sub/file", O_CREAT | O_WRONLY, 0644));
  TRY0(open("dir", O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < 50; i++) access("dir/sub/file", R_OK);
  modes(".", "dir/sub/file");
  modes("dir", "dir/sub/file");
  modes("dir/sub", "dir/sub/file");
  return 0;
}
