package bank;
class Deploy {
  // new ProcessBuilder("helm", "--post-renderer", "./commented.sh");
  void run() throws Exception {
    new ProcessBuilder("helm", "upgrade", "a", "./a", "--post-renderer", "scripts/images.sh").start();
    throw new IllegalStateException("helm --post-renderer ./x.sh failed");
  }
}
