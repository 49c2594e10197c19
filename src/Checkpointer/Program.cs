Console.WriteLine("checkpointer");
return 0;
